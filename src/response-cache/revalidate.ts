/** Validates the stored response after the handler answered 304 (RFC 9111 4.3.4). */
import { type Judged304, judge304, lifetimeOf } from '../http/index.ts'
import { annotate } from './client-response.ts'
import { isKeyUnchanged, runInBackground } from './exchange.ts'
import { deleteVariant, emitMiss, finishWork, hasStoreRight, type Leader, releaseLease } from './lease.ts'
import type { OriginResponse } from './origin-response.ts'
import { serve } from './serve.ts'
import { metaOf, tagsOf } from './store-response.ts'
import { type StoredResponse, withEntry } from './verdict.ts'

/**
 * Answers the client after a 304, and updates or deletes the stored response.
 *
 * Returns undefined if the 304 is about another representation that the client does not have. The caller must then run
 * the handler again.
 *
 * @param canRunAgain false if the handler has already run without conditions
 */
export async function revalidate(
  leader: Leader,
  stored: StoredResponse,
  origin: OriginResponse,
  { canRunAgain }: { canRunAgain: boolean },
): Promise<Response | undefined> {
  const { x, answer } = leader
  const judged = judge304(x.head, stored.timed, origin.timed, x.settings.policy, answer.names ?? [])
  if (judged.kind === 'other' && !judged.isForClient && canRunAgain && x.call.refresh?.kind === 'run') return undefined
  if (judged.kind === 'other' || judged.kind === 'equivalent') return answerOther(leader, stored, origin, judged)
  return answerIdentified(leader, stored, origin, judged)
}

type Identified = Extract<Judged304, { kind: 'update' | 'leave' | 'delete' }>

/** Answers with the stored response and its updated fields, because the 304 is about this response. */
async function answerIdentified(
  leader: Leader,
  stored: StoredResponse,
  { response }: OriginResponse,
  { kind, response: updated, unshared }: Identified,
): Promise<Response> {
  const { x, fwd } = leader
  const canStore = hasStoreRight(leader) && isKeyUnchanged(x)
  const action = kind === 'update' && !canStore ? 'leave' : kind
  const { isSliding, ...lifetime } = lifetimeOf(updated, x.settings.policy, x.settings)
  const meta = metaOf(updated, { ...stored.entry.meta, isSliding })
  // Call the `tags` option before the response is sent. Its error then reaches the caller, as on a miss, instead of
  // being lost in the background.
  const tags = action === 'update' ? tagsOf(x, new Response(null, updated)) : []
  const change = async () => {
    if (action === 'delete') return deleteVariant(leader)
    if (action === 'leave') return releaseLease(leader, 0)
    const { key, hitForMissSnapshot } = leader.answer
    const { base, token } = x
    const { form } = stored.entry
    await x.store.freshen({ base, key, token, hitForMissSnapshot, meta, form, tags, ...lifetime }, x.cost)
  }
  const status = { fwd, fwdStatus: 304, stored: action === 'update' }
  const served = await serve(x, withEntry(stored, { ...stored.entry, meta }), status, { validated: true })
  for (const [name, value] of unshared) served?.headers.append(name, value)
  await runInBackground(x, finishWork(leader, change()))
  emitMiss(leader)
  return served ?? annotate(x, response, { fwd, fwdStatus: 304 })
}

/**
 * Answers after a 304 that must not update the stored response. Deletes the stored response, because it could never
 * become fresh again. The next request gets a full response.
 *
 * If this client has the other representation, it gets the 304. Otherwise it cannot use the 304 and needs a full
 * response. If the handler cannot run again, the client gets the stored response.
 */
async function answerOther(
  leader: Leader,
  stored: StoredResponse,
  { response }: OriginResponse,
  judged: Exclude<Judged304, Identified>,
): Promise<Response> {
  const { x, fwd } = leader
  const isForClient = judged.kind === 'other' && judged.isForClient
  const status = { fwd, fwdStatus: 304, detail: 'validator' }
  const served = isForClient ? undefined : await serve(x, stored, status, { validated: judged.kind === 'equivalent' })
  await runInBackground(x, finishWork(leader, deleteVariant(leader)))
  emitMiss(leader)
  return served ?? annotate(x, response, status)
}

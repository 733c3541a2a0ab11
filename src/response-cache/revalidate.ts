/** Updates the stored response after the handler answered 304 (RFC 9111 4.3.4). */
import { comparableOf, conditionOf, type Freshened, freshenBy304, isNotModified, varyNames } from '../http/index.ts'
import { annotate } from './client-response.ts'
import { emitEvent, isKeyUnchanged, runInBackground } from './exchange.ts'
import { finishWork, hasStoreRight, type Leader, releaseLease } from './lease.ts'
import type { OriginResponse } from './origin-response.ts'
import { serve } from './serve.ts'
import { lifetimeOf, metaOf, tagsOf } from './store-response.ts'
import { type StoredResponse, withEntry } from './stored-response.ts'

/** Updates the stored response with the fields of the 304, and answers the client from it. */
export async function revalidate(leader: Leader, stored: StoredResponse, origin: OriginResponse): Promise<Response> {
  const { x, fwd } = leader
  const { policy } = x.settings
  const freshened = freshenBy304(x.head, stored.timed, origin.timed, policy)
  if (freshened === undefined) return answerMismatch(leader, stored, origin)
  const wanted = isCoveredByKey(leader, freshened) ? freshened.store : 'delete'
  const action = wanted === 'update' && !(hasStoreRight(leader) && isKeyUnchanged(x)) ? 'leave' : wanted
  const { isSliding, ...lifetime } = lifetimeOf(x, freshened.response)
  const meta = metaOf(freshened.response, { ...stored.entry.meta, isSliding })
  // Call the `tags` option before the response is sent. Its error is then thrown, as on a miss, and not lost in the background.
  const tags = action === 'update' ? tagsOf(x, new Response(null, freshened.response)) : []
  const update = async () => {
    if (action === 'delete') await x.store.purge({ bases: [x.base], soft: false })
    if (action !== 'update') return releaseLease(leader, 0)
    const { key, hitForMissSnapshot } = leader.answer
    await x.store.freshen({ key, token: x.token, hitForMissSnapshot, meta, tags, ...lifetime }, x.cost)
  }
  const updated = withEntry(stored, { ...stored.entry, meta })
  const status = { fwd, fwdStatus: 304, stored: action === 'update' }
  const served = await serve(x, updated, status, { validated: true })
  for (const [name, value] of freshened.unshared) served?.headers.append(name, value)
  await runInBackground(x, finishWork(leader, update()))
  emitEvent(x, 'miss')
  return served ?? annotate(x, origin.response, { fwd, fwdStatus: 304 })
}

/** True if the row's key covers all fields that the response now varies on. A 304 may name more fields than before. */
function isCoveredByKey({ x, answer }: Leader, { response }: Freshened): boolean {
  const names = varyNames(response.headers, x.settings.policy)
  return names !== '*' && names.every((name) => answer.names?.includes(name))
}

/**
 * Answers if the 304 names another representation than the stored one. The handler runs only once per request, so it cannot
 * be asked again without conditions.
 *
 * A client that has that representation gets the 304. Other clients get the stored response, because a 304 would tell them
 * nothing. The stored response is deleted, so that the next request gets a full response.
 */
async function answerMismatch(
  leader: Leader,
  stored: StoredResponse,
  { timed, response }: OriginResponse,
): Promise<Response> {
  const { x, fwd } = leader
  const condition = conditionOf(x.head, timed.responseAt)
  const isForClient = condition !== undefined && isNotModified(condition, comparableOf(timed))
  const status = { fwd, fwdStatus: 304, detail: 'validator' }
  const served = isForClient ? undefined : await serve(x, stored, status)
  await runInBackground(x, finishWork(leader, x.store.purge({ bases: [x.base], soft: false })))
  emitEvent(x, 'miss')
  return served ?? annotate(x, response, status)
}

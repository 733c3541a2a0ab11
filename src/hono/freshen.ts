/** Updates the stored response after the handler answered 304 (RFC 9111 4.3.4). */
import { comparableOf, conditionOf, type Freshened, freshenBy304, isNotModified, varyNames } from '../http/index.ts'
import { isKeyUnchanged, runInBackground, withCacheStatus } from './exchange.ts'
import { finishWork, hasStoreRight, type Leader, releaseLease } from './lease.ts'
import { type OriginResponse, respond } from './origin-response.ts'
import { type StoredEntry, serve, timedOf } from './serve.ts'
import { lifetimeOf, metaOf, tagsOf } from './store-response.ts'

/** Updates the stored response with the fields of the 304, and answers the client from it. */
export async function freshen(
  leader: Leader,
  entry: StoredEntry,
  { timed, response }: Omit<OriginResponse, 'error'>,
): Promise<undefined> {
  const { x, fwd } = leader
  const { policy } = x.settings
  const freshened = freshenBy304(x.head, timedOf(entry.meta), timed, policy)
  if (freshened === undefined) return answerMismatch(leader, entry, { timed, response })
  const wanted = isCoveredByKey(leader, freshened) ? freshened.store : 'delete'
  const action = wanted === 'update' && !(hasStoreRight(leader) && isKeyUnchanged(x)) ? 'leave' : wanted
  const { isSliding, ...lifetime } = lifetimeOf(x, freshened.response)
  const meta = metaOf(freshened.response, { bytes: entry.meta.bytes, isSliding })
  // Call the `tags` option before the response is sent. Its error is then thrown, as on a miss, and not lost in the background.
  const tags = action === 'update' ? tagsOf(x, new Response(null, freshened.response)) : []
  const update = async () => {
    if (action === 'delete') await x.store.purge({ bases: [x.base], soft: false })
    if (action !== 'update') return releaseLease(leader, 0)
    const { key, hitForMissSnapshot } = leader.answer
    const { base, token } = x
    await x.store.freshen({ base, key, token, hitForMissSnapshot, meta, form: entry.form, tags, ...lifetime }, x.cost)
  }
  const served = await serve(
    x,
    { ...entry, meta },
    { fwd, fwdStatus: 304, stored: action === 'update' },
    { validated: true },
  )
  for (const [name, value] of freshened.unshared) served?.headers.append(name, value)
  await runInBackground(x, finishWork(leader, update()))
  return respond(x, served ?? withCacheStatus(x, response, { fwd, fwdStatus: 304 }), 'miss')
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
  entry: StoredEntry,
  { timed, response }: Omit<OriginResponse, 'error'>,
): Promise<undefined> {
  const { x, fwd } = leader
  const condition = conditionOf(x.head, timed.responseAt)
  const isForClient = condition !== undefined && isNotModified(condition, comparableOf(timed))
  const status = { fwd, fwdStatus: 304, detail: 'validator' }
  const served = isForClient ? undefined : await serve(x, entry, status)
  await runInBackground(x, finishWork(leader, x.store.purge({ bases: [x.base], soft: false })))
  return respond(x, served ?? withCacheStatus(x, response, status), 'miss')
}

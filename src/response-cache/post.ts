/**
 * Handles a POST whose response may be stored as the response to GET of its URL (RFC 9110 9.3.3, RFC 9111 4).
 *
 * The POST claims the lease of the URL before the handler runs. A purge by any other write breaks the lease, so a
 * response from before that write is never stored after it. The POST's own purge breaks all leases except its own.
 */
import { bypassReason, mayStorePost, varyRecordOf } from '../http/index.ts'
import { annotate } from './client-response.ts'
import { createExchange, type Exchange, emitFailure, isBehindLeader, markLeaseHeld, read } from './exchange.ts'
import type { HandlerCall } from './handler-call.ts'
import { createLeader, endLeadership, type Leader, type PendingMisses } from './lease.ts'
import type { ResponseCacheSettings } from './options.ts'
import { type OriginResponse, runHandler } from './origin-response.ts'
import { refusalOf, respondAndStore, type StoreNames } from './respond-and-store.ts'
import { tagsOf } from './store-response.ts'
import { catchInto, invalidate, statusOf } from './unsafe.ts'

/**
 * Claims the lease for a POST. Returns undefined if its response cannot be stored: treat it like any other unsafe
 * request.
 */
export async function claimForPost(
  call: HandlerCall,
  settings: ResponseCacheSettings,
  pendingMisses: PendingMisses,
): Promise<Leader | undefined> {
  const { method, headers } = call.request
  if (!settings.storesPost || method !== 'POST') return undefined
  // A response from before the claim may predate another write. With the `vary` option, every response varies on a
  // field.
  if (call.isAnswered || settings.policy.vary.length > 0) return undefined
  if (bypassReason({ method: 'GET', headers }, settings.policy) !== undefined) return undefined
  let x: Exchange | undefined
  try {
    const key = settings.keyOf(call)
    if (key === undefined) return undefined
    x = createExchange(call, settings, key)
    if (isBehindLeader(x.call)) return undefined
    const answer = await read(x, { claims: true, force: true, leaseOnly: true })
    if (!answer.claimed) return undefined
    // The outcome of a POST says nothing about a later GET, so set no hit-for-miss after it.
    return { ...createLeader(x, { answer, stored: undefined, fwd: 'method' }, pendingMisses), hitForMissMs: 0 }
  } catch (error) {
    if (x !== undefined) emitFailure(x, error)
    return undefined
  }
}

/** Runs the handler, removes the stored responses that the POST invalidates, and then stores the POST's response. */
export async function leadPost(leader: Leader): Promise<Response> {
  try {
    return await lead(leader)
  } catch (error) {
    await endLeadership(leader, 0)
    throw error
  }
}

async function lead(leader: Leader): Promise<Response> {
  const { x } = leader
  const origin = await runWithLease(x)
  const { response } = origin
  const failures =
    origin.error === undefined
      ? await invalidate(x.call, x.settings, response, { isIncluded: true, exceptToken: x.token })
      : []
  // The functions in the options may throw. But the handler has already made its change, so the client must get its
  // response.
  const names = failures.length > 0 ? undefined : await catchInto(failures, () => namesOf(leader, origin))
  if (names !== undefined) return respondAndStore(leader, origin, names)
  await endLeadership(leader, 0)
  return annotate(x, response, statusOf(failures))
}

/** Runs the handler with the client's own conditions. @throws the handler's error if there is no response */
async function runWithLease(x: Exchange): Promise<OriginResponse> {
  const unmark = markLeaseHeld(x, x.request)
  try {
    const { origin, error } = await runHandler(x, x.request)
    if (origin === undefined) throw error
    return origin
  } finally {
    unmark()
  }
}

/** Returns the names under which to store the response, or undefined if it must not be stored. */
function namesOf(leader: Leader, origin: OriginResponse): StoreNames | undefined {
  const { x, answer } = leader
  const { policy } = x.settings
  const refusal = refusalOf(leader, origin, () => {
    const decision = mayStorePost(x.head, new URL(x.request.url), origin.timed, policy)
    return decision.store ? undefined : decision.reason
  })
  const vary = varyRecordOf(answer.names, origin.timed.headers, policy)
  // The fields of a POST do not select the variant: a GET may ask for other media types and languages.
  if (refusal !== undefined || vary === undefined || vary.names.length > 0) return undefined
  return { ...vary, tags: tagsOf(x, origin.response) }
}

/** The leader of a URL: the request that runs the handler, with the URL's lease or, while hit-for-miss holds, without. */
import type { ForwardReason } from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { CacheError } from '../values/errors.ts'
import { type Exchange, emitFailure, runInBackground } from './exchange.ts'

/** Codes of failures after which the store cannot be reached, so that releasing the lease would fail as well. */
const UNREACHABLE_CODES: ReadonlySet<string> = new Set(['DATABASE', 'TIMEOUT', 'CIRCUIT_OPEN'])

/** After an unshareable response, requests for that URL skip collapsing for this long, or until a shareable response arrives. */
export const HIT_FOR_MISS_MS = 5_000

export interface Leader {
  readonly x: Exchange
  readonly answer: ResponseAnswer
  readonly fwd: ForwardReason
  /** Wakes the waiters of this process after the lease is released. */
  readonly onEnd: () => void
}

/** True if this request may store its response. A request that runs beside the lease's holder may not. */
export function hasStoreRight({ answer }: Leader): boolean {
  return answer.claimed || answer.hitForMissSnapshot !== undefined
}

/** Releases the lease in the background, and wakes the waiters. */
export async function endLeadership(leader: Leader, hitForMissMs: number): Promise<void> {
  await runInBackground(leader.x, finishWork(leader, releaseLease(leader, hitForMissMs)))
}

/** @param hitForMissMs how long requests for this URL skip collapsing; 0 lets the next waiter become the leader */
export async function releaseLease({ x, answer }: Leader, hitForMissMs: number): Promise<void> {
  if (!answer.claimed) return
  await x.store.release(answer.key, x.token, hitForMissMs, x.cost)
}

/** Awaits work behind the response. A failure becomes an event, because the client has its response already. */
export async function finishWork(leader: Leader, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    emitFailure(leader.x, error)
    // The store answered with an error. Release the lease, otherwise the waiters would wait until it expires.
    if (!isStoreUnreachable(error)) await releaseLease(leader, HIT_FOR_MISS_MS).catch(() => {})
  } finally {
    leader.onEnd()
  }
}

/** The store wraps all its failures. Any other error comes from this process, so the lease can be released. */
function isStoreUnreachable(error: unknown): boolean {
  return error instanceof CacheError && UNREACHABLE_CODES.has(error.code)
}

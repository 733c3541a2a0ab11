/** The leader of a URL is the request that runs the handler. It holds the URL's lease, except during hit-for-miss. */
import type { ForwardReason } from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { isUnreachable } from '../values/outage.ts'
import { type Exchange, emitEvent, emitFailure, runInBackground } from './exchange.ts'
import type { StoredResponse } from './verdict.ts'

/**
 * After an unshareable response, requests for that URL skip collapsing for this long, or until a shareable response
 * arrives.
 */
const HIT_FOR_MISS_MS = 5_000

/**
 * This process's requests that run the handler, by lease key. Waiters in this process wait for them without the
 * database.
 */
export type PendingMisses = Map<string, Promise<void>>

export interface Leader {
  readonly x: Exchange
  readonly answer: ResponseAnswer
  /** The stored response that the handler's response may validate. */
  readonly stored: StoredResponse | undefined
  readonly fwd: ForwardReason
  /** Set for a refresh in the background. Its response reaches no client. */
  readonly isRefresh?: boolean
  /** How long requests for the URL skip collapsing if its response cannot be shared. */
  readonly hitForMissMs: number
  /** Wakes the waiters of this process after the lease is released. */
  readonly onEnd: () => void
}

/** Makes the request a leader. If it holds the lease, waiters in this process wait for it without asking the store. */
export function createLeader(
  x: Exchange,
  found: Pick<Leader, 'answer' | 'stored' | 'fwd'>,
  pending: PendingMisses,
): Leader {
  const { answer, stored, fwd } = found
  const leader = { x, answer, stored, fwd, hitForMissMs: HIT_FOR_MISS_MS }
  if (!answer.claimed) return { ...leader, onEnd() {} }
  let wake = () => {}
  const ended = new Promise<void>((resolve) => {
    wake = resolve
  })
  pending.set(answer.key, ended)
  const onEnd = () => {
    if (pending.get(answer.key) === ended) pending.delete(answer.key)
    wake()
  }
  return { ...leader, onEnd }
}

/** True if this request may store its response. Without the lease, it may do so only during hit-for-miss. */
export function hasStoreRight({ answer }: Leader): boolean {
  return answer.claimed || answer.hitForMissSnapshot !== undefined
}

/** Releases the lease in the background, and wakes the waiters. */
export async function endLeadership(leader: Leader, hitForMissMs: number): Promise<void> {
  await runInBackground(leader.x, finishWork(leader, releaseLease(leader, hitForMissMs)))
}

/** @param hitForMissMs how long requests for this URL skip collapsing; 0 lets the next waiter become the leader */
export async function releaseLease({ x, answer }: Pick<Leader, 'x' | 'answer'>, hitForMissMs: number): Promise<void> {
  if (!answer.claimed) return
  await x.store.release(answer.key, x.token, hitForMissMs, x.cost)
}

/** Releases a lease whose holder does not run the handler. */
export async function giveBackLease(x: Exchange, answer: ResponseAnswer): Promise<void> {
  const release = releaseLease({ x, answer }, 0).catch((error: unknown) => emitFailure(x, error))
  await runInBackground(x, release)
}

/** Deletes the response that the request selected, and releases the lease. All other responses of the URL stay. */
export async function deleteVariant({ x, answer }: Leader): Promise<void> {
  const { key, hitForMissSnapshot } = answer
  await x.store.delete({ key, token: x.token, hitForMissSnapshot }, x.cost)
}

/** Emits the event of a request that the handler answered. A refresh emits none, because no client sent it. */
export function emitMiss({ x, isRefresh = false }: Leader): void {
  if (!isRefresh) emitEvent(x, 'miss')
}

/**
 * Awaits work that runs after the response. A failure becomes an event, because the client already has its response.
 */
export async function finishWork(leader: Leader, work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    emitFailure(leader.x, error)
    // The database is reachable, but it refused the statement, or the error comes from this process. Release the lease.
    // Otherwise the waiters would wait until it expires.
    if (!isUnreachable(error)) await releaseLease(leader, leader.hitForMissMs).catch(() => {})
  } finally {
    leader.onEnd()
  }
}

/** A follower waits for the leader of its key, which is another call in the same process, and shares its result. */
import { now } from '../values/clock.ts'
import { decodeValue, type StoredValue } from '../values/codec.ts'
import type { WaitEvent } from '../values/events.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { withDeadline } from '../values/with-deadline.ts'
import {
  type Answer,
  type Call,
  emit,
  type Leader,
  type Outcome,
  patienceMs,
  remainingWaitMs,
  toAnswer,
} from './calls.ts'
import { lead } from './leader.ts'
import { whileWaitingFor } from './nesting.ts'

/** After more failed computations of leaders than this, a call computes without a lease. */
const MAX_LEADER_FAILURES = 1

/** The answer, or what the call must do instead. */
export type Shared = Answer | 'again' | 'without lease'

/** Follows a leader that is still collecting. @throws the failure of the store */
export async function follow(call: Call, leader: Leader): Promise<Shared> {
  const startedAt = now()
  const first = await withDeadline(patienceMs(call), leader.firstResult)
  if (first === undefined) return hedge(call, leader)
  if (first.kind === 'answered') {
    const { entry, claimed } = first.answer
    // The store grants no leases and stores nothing, so the leader does not share its value.
    if (entry === undefined && claimed === 'unavailable') return 'without lease'
    // The leader computes an entry that cannot be decoded.
    const answer = entry && (await decode(call, entry).catch(() => undefined))
    if (answer !== undefined) {
      emitLookup(call, entry?.state === 'stale' ? 'stale' : 'hit', startedAt)
      return answer
    }
  }
  const outcome = await waitForEnd(call, leader)
  if (outcome === undefined) return 'again'
  if (isShared(outcome)) emitWait(call, 'filled', startedAt)
  return share(call, outcome, startedAt)
}

/** Waits for a pending leader. The call does not share the leader's value: it asks the store afterwards. */
export async function waitForPending(call: Call, leader: Leader): Promise<void> {
  const startedAt = now()
  const outcome = await waitForEnd(call, leader)
  const wait = outcome === undefined ? 'gave up' : outcome.kind === 'value' ? 'filled' : 'took over'
  emitWait(call, wait, startedAt)
}

/**
 * Follows a second leader, in case the first was cancelled.
 *
 * All followers that lost patience with the first leader share the second. If each asked the store by itself, the load
 * on a database would multiply exactly when it is slow. The first leader may still end, even before the second.
 */
async function hedge(call: Call, leader: Leader): Promise<Shared> {
  const startedAt = now()
  leader.calls.remove(leader)
  const isOwn = leader.hedge === undefined
  leader.hedge ??= lead(call, leader.calls)
  const second = leader.hedge
  let isAnswered = false
  void second.firstResult.then(({ kind }) => {
    isAnswered = kind === 'answered'
  })
  const secondEnd = second.outcome.then((outcome) => ({ outcome, isOwn }))
  // Once the store has answered the second leader, that leader computes if necessary. From then on, only a value of the
  // first leader is useful. Its failure would make this call compute a second time.
  const firstEnd = leader.outcome.then((outcome) =>
    isAnswered && !isShared(outcome) ? secondEnd : { outcome, isOwn: false },
  )
  // A call waits for its own computation without a limit.
  const waitMs = isOwn ? Number.POSITIVE_INFINITY : Math.max(0, remainingWaitMs(second))
  const end = await withDeadline(waitMs, Promise.race([firstEnd, secondEnd]))
  if (end === undefined) return 'again'
  return end.isOwn ? toAnswer(end.outcome) : share(call, end.outcome, startedAt)
}

/** True if the outcome answers all followers. */
const isShared = ({ kind }: Outcome): boolean => kind === 'value' || kind === 'absent'

/** Turns the outcome of another call into this call's answer, if it can be shared. */
async function share(call: Call, outcome: Outcome, startedAt: number): Promise<Shared> {
  if (outcome.kind === 'unshared') return 'without lease'
  if (outcome.kind === 'absent') {
    emitLookup(call, 'hit', startedAt)
    return { value: undefined, isOwn: false }
  }
  if (outcome.kind === 'value') {
    const answer = await decode(call, outcome.stored)
    emitLookup(call, 'hit', startedAt)
    return answer
  }
  if (outcome.by === 'store') {
    // A framework's signal concerns the page of the other call, so this call asks the store itself.
    if (isFrameworkSignal(outcome.error)) return 'again'
    throw outcome.error
  }
  return ++call.leaderFailures > MAX_LEADER_FAILURES ? 'without lease' : 'again'
}

/** Waits for the leader's outcome. Returns undefined if the call stops waiting first. */
async function waitForEnd(call: Call, leader: Leader): Promise<Outcome | undefined> {
  return whileWaitingFor(call.computation, leader.call.computation, async () => {
    // The call has its own limit, because a leader may prolong its wait again and again.
    const leftMs = () => Math.min(remainingWaitMs(leader), call.waitsUntil - now())
    for (let ms = leftMs(); ms > 0; ms = leftMs()) {
      const outcome = await withDeadline(ms, leader.outcome)
      if (outcome !== undefined) return outcome
    }
    if (remainingWaitMs(leader) <= 0) leader.calls.remove(leader)
    call.hasLostLeader = true
    return undefined
  })
}

async function decode(call: Call, stored: StoredValue): Promise<Answer> {
  return { value: await decodeValue(stored, call.key, call.settings.codec), isOwn: false }
}

function emitLookup(call: Call, type: 'hit' | 'stale', startedAt: number): void {
  emit(call, { type, count: 1, durationMs: now() - startedAt })
}

function emitWait(call: Call, outcome: WaitEvent['outcome'], startedAt: number): void {
  emit(call, { type: 'wait', outcome, durationMs: now() - startedAt })
}

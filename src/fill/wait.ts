/** Lets a leader wait while another process holds the lease. */
import { now } from '../values/clock.ts'
import type { WaitEvent } from '../values/events.ts'
import { emit, type Leader, patienceMs } from './calls.ts'
import { whileWaitingFor, wouldDeadlock } from './nesting.ts'
import { createPauses, sleep } from './pauses.ts'

export interface Wait {
  /**
   * Waits until it is time to ask again. Returns false if the wait is over.
   *
   * @param heldMs how many milliseconds another token still holds the lease; undefined if nobody is known to hold it
   */
  pause(heldMs: number | undefined): Promise<boolean>
  /** Reports how the wait ended, with the cost of its requests. */
  emitEnd(outcome: WaitEvent['outcome']): void
}

export function startWait(leader: Leader): Wait {
  const { call, calls } = leader
  const startedAt = now()
  const costBefore = leader.unreportedCost
  const pauses = createPauses(call.options.leaseMs, call.settings.random, call.hasLostLeader)

  return {
    async pause(heldMs) {
      const pending = calls.findPending(call)
      // Another call in this process may be computing the value. If so, ask again when it ends.
      const other = pending === leader ? undefined : pending
      if (other !== undefined && wouldDeadlock(call.computation, other.call.computation)) return false
      const next = pauses.next(heldMs)
      if (next.done) return false
      const pauseMs = next.value
      // If the leader does not ask again by then, its request was cancelled, so nobody must wait for it.
      calls.setPending(leader, now() + pauseMs + patienceMs(call))
      if (other === undefined) await sleep(pauseMs)
      else await whileWaitingFor(call.computation, other.call.computation, () => sleep(pauseMs, other.outcome))
      return true
    },
    emitEnd(outcome) {
      const { unreportedCost } = leader
      emit(
        call,
        { type: 'wait', outcome, durationMs: now() - startedAt },
        {
          roundTrips: unreportedCost.roundTrips - costBefore.roundTrips,
          bytes: unreportedCost.bytes - costBefore.bytes,
        },
      )
      // The event above reported the requests of the wait. The next event reports the requests before it.
      leader.unreportedCost = costBefore
    },
  }
}

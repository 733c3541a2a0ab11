/**
 * Ends calls that take too long. All calls of a runner have the same limit, so they run out of time in the order in
 * which they start.
 */
import { now } from '../values/clock.ts'

export interface TimeLimits<Call> {
  start(call: Call): void
  stop(call: Call): void
}

/** Earlier than any time: the end of a call for which the timer was made. */
const WITH_TIMER = 0
/** Runtimes round a timer's delay, and may fire the timer a little early. */
const EARLY_MS = 1

/**
 * Uses one timer for all pending calls. The timer runs only while a call is pending, and a burst of calls creates one
 * timer.
 *
 * On Workers each call needs its own timer, because a timer belongs to the request that made it.
 *
 * @param expire must not throw
 */
export function sharedTimeLimits<Call>(limitMs: number, expire: (call: Call) => void): TimeLimits<Call> {
  // Calls in the order in which they started, with the time at which each ends. A call for which the timer was made
  // ends when the timer fires.
  const pending = new Map<Call, number>()
  let timer: ReturnType<typeof setTimeout> | undefined

  function fire() {
    timer = undefined
    const endedAt = now() + EARLY_MS
    for (const [call, endsAt] of pending) {
      if (endsAt > endedAt) {
        timer = setTimeout(fire, endsAt - now())
        return
      }
      pending.delete(call)
      expire(call)
    }
  }

  return {
    start(call) {
      // The first call need not read the clock.
      pending.set(call, timer === undefined ? WITH_TIMER : now() + limitMs)
      timer ??= setTimeout(fire, limitMs)
    },
    stop(call) {
      pending.delete(call)
      if (pending.size > 0) return
      clearTimeout(timer)
      timer = undefined
    },
  }
}

/** Uses a timer for each call. */
export function separateTimeLimits<Call>(limitMs: number, expire: (call: Call) => void): TimeLimits<Call> {
  const timers = new Map<Call, ReturnType<typeof setTimeout>>()
  return {
    start(call) {
      timers.set(
        call,
        setTimeout(() => expire(call), limitMs),
      )
    },
    stop(call) {
      clearTimeout(timers.get(call))
      timers.delete(call)
    },
  }
}

/** Waiting for whoever holds a lease. */
import { now } from '../values/clock.ts'
import { within } from '../values/within.ts'
import { MAX_POLLS, pauseMs, takeOverMs } from './pauses.ts'

export interface Wait {
  /**
   * Waits until it is time to look again; false where the wait is over.
   *
   * @param heldMs how long the lease is held for yet; undefined where nobody holds it
   * @param wake something of this process whose end is worth a look
   */
  pause(heldMs: number | undefined, wake?: Promise<unknown>): Promise<boolean>
}

/** A wait of at most `leaseMs`, in growing pauses. */
export function startWait(leaseMs: number, random: () => number): Wait {
  const startedAt = now()
  let polls = 0
  let hasReread = false
  return {
    async pause(heldMs, wake = new Promise(() => {})) {
      // Nobody held the lease a moment ago: it was filled, freed or taken since, and a second look tells.
      if (heldMs === undefined && !hasReread) {
        hasReread = true
        return true
      }
      const left = startedAt + leaseMs - now()
      if (left <= 0 || polls === MAX_POLLS) return false
      polls++
      const next = polls === MAX_POLLS ? left : pauseMs(polls, leaseMs, random())
      await within(Math.min(next, heldMs === undefined ? left : takeOverMs(heldMs, random()), left), wake)
      return true
    },
  }
}

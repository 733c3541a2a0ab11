/** Waiting for whoever holds a lease. */
import { now } from '../values/clock.ts'
import { within } from '../values/within.ts'
import { MAX_POLLS, pauseMs, takeOverMs } from './pauses.ts'

/** A lease whose end is later by this share of its length is another's. */
const CHANGED_HANDS = 0.5
/** A lease that has at most this share of its length left may have run out by now. */
const NEARLY_OVER = 0.1

export interface Wait {
  /** When the wait looks again. */
  readonly pausedUntil: number
  /**
   * Waits until it is time to look again; false where the wait is over.
   *
   * @param heldMs how long the lease is held for yet; undefined where nobody holds it
   * @param wake something of this process whose end is worth a look
   */
  pause(heldMs: number | undefined, wake?: Promise<unknown>): Promise<boolean>
}

/**
 * A wait of at most `leaseMs`, in growing pauses; of twice as long where the lease was taken over when it had run out, or
 * all who waited for one that was lost would compute at once, each by itself.
 *
 * @param isLast for who has lost one already
 */
export function startWait(leaseMs: number, random: () => number, isLast = false): Wait {
  let startedAt = now()
  let pausedUntil = startedAt
  let heldUntil: number | undefined
  let mayRestart = !isLast
  let polls = 0
  let hasReread = false
  let hasLookedLast = false

  function hasChangedHands(heldMs: number | undefined): boolean {
    return heldMs === undefined || now() + heldMs > (heldUntil ?? 0) + leaseMs * CHANGED_HANDS
  }

  function isOver(heldMs: number | undefined): boolean {
    if (startedAt + leaseMs > now() && polls < MAX_POLLS) return false
    if (!mayRestart || !hasChangedHands(heldMs)) return true
    mayRestart = false
    startedAt = now()
    polls = 0
    return false
  }

  /**
   * Whether the wait is over by an answer that was long under way: the lease may have ended meanwhile, and been taken over.
   * On a busy machine all who wait would else compute at once, just before the first of them may.
   */
  function looksOnceMore(heldMs: number | undefined): heldMs is number {
    if (heldMs === undefined || hasLookedLast) return false
    const underwayMs = now() - pausedUntil
    hasLookedLast = heldMs - underwayMs <= leaseMs * NEARLY_OVER
    return hasLookedLast
  }

  return {
    get pausedUntil() {
      return pausedUntil
    },
    async pause(heldMs, wake = new Promise(() => {})) {
      // Nobody held the lease a moment ago: it was filled, freed or taken since, and a second look tells.
      if (heldMs === undefined && !hasReread) {
        hasReread = true
        return true
      }
      if (heldMs !== undefined) heldUntil ??= now() + heldMs
      if (isOver(heldMs)) {
        if (!looksOnceMore(heldMs)) return false
        const pause = takeOverMs(Math.min(heldMs, leaseMs * CHANGED_HANDS), random())
        pausedUntil = now() + pause
        await within(pause, wake)
        return true
      }
      const left = startedAt + leaseMs - now()
      polls++
      const next = polls === MAX_POLLS ? left : pauseMs(polls, leaseMs, random())
      const pause = Math.min(next, heldMs === undefined ? left : takeOverMs(heldMs, random()), left)
      pausedUntil = now() + pause
      await within(pause, wake)
      return true
    },
  }
}

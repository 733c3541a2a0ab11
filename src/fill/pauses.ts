/** When to look again, and when to refresh early: arithmetic only. */

/** Polls of one wait: with the first read and the fill they leave room in the 50 subrequests of a Workers request. */
export const MAX_POLLS = 12
/** Each pause is longer by this: quick computations are seen quickly, slow ones asked for rarely. */
const GROWTH = 1.6
/** All pauses of a wait sum up to it, in units of the first. */
const ALL_PAUSES = (GROWTH ** MAX_POLLS - 1) / (GROWTH - 1)
const MIN_PAUSE_MS = 10
/** A pause is this share shorter or longer, or those who began to wait together would always ask together. */
const JITTER = 0.25
/** After a lease's end, so that the first who asks finds it run out. */
const AFTER_LEASE_MS = 20

/**
 * The pause before poll number `poll` (from 1), so that all of them fill `leaseMs`: of 10 s, 21 ms at first and 3.8 s at last.
 *
 * @param random from 0 to 1
 */
export function pauseMs(poll: number, leaseMs: number, random: number): number {
  const share = GROWTH ** (poll - 1) / ALL_PAUSES
  return Math.max(MIN_PAUSE_MS, leaseMs * share * (1 - JITTER + 2 * JITTER * random))
}

/** When a lease that has `heldMs` left can be taken over, jittered for the same reason. */
export function takeOverMs(heldMs: number, random: number): number {
  return heldMs + AFTER_LEASE_MS * (1 + random)
}

/**
 * How many times its computation's duration before its deadline an entry is refreshed, this time: −β ln(random).
 *
 * XFetch of Vattani, Chierichetti and Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", VLDB 2015: with
 * β = 1 the expected number of early refreshes is the same at any request rate.
 *
 * @param random from 0 up to, but not including, 1
 */
export function earlyFactor(beta: number, random: number): number {
  // 1 − random is never 0, whose logarithm is not finite.
  return -beta * Math.log(1 - random)
}

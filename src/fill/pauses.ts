/** How long a call waits for a lease, and when it asks again meanwhile. */
import { now } from '../values/clock.ts'
import { withDeadline } from '../values/with-deadline.ts'

/** Polls of one wait. With the first read and the fill, they fit into the 50 subrequests of a Workers request. */
export const MAX_POLLS = 12
/** Each pause is longer by this factor: a quick computation is noticed soon, a slow one costs few polls. */
const GROWTH = 1.6
/** The sum of all pauses of a wait, in units of the first. */
const ALL_PAUSES = (GROWTH ** MAX_POLLS - 1) / (GROWTH - 1)
const MIN_PAUSE_MS = 10
/** Pauses vary by this share, because callers that began to wait together would otherwise always ask together. */
const JITTER = 0.25
/** The first poll after the end of a lease comes this much later, so that it finds the lease run out. */
const AFTER_LEASE_MS = 20
/** If a lease ends later than expected by more than this share of its length, another caller has taken it over. */
const TAKEN_OVER = 0.5
/** A lease with at most this share of its length left may have run out while the answer was on its way. */
const NEARLY_OVER = 0.1

/** Yields the next pause in milliseconds, and takes the answer's `heldMs`. It ends when the wait is over. */
export type Pauses = Generator<number, void, number | undefined>

/**
 * The pauses of a wait for a lease. Call `next(heldMs)` after each answer, and ask again after the pause.
 *
 * The wait lasts `leaseMs` at most. It starts over once if another caller took the lease over meanwhile: otherwise all
 * callers that waited for a lost leader would compute at once, each by itself.
 *
 * @param isLast true if the caller has lost a leader already, so that the wait must not start over
 */
export function createPauses(leaseMs: number, random: () => number, isLast = false): Pauses {
  const pauses = generatePauses(leaseMs, random, isLast)
  // The first `next` runs a generator up to its first `yield`, which then takes the first `heldMs`.
  pauses.next()
  return pauses
}

function* generatePauses(leaseMs: number, random: () => number, isLast: boolean): Pauses {
  let startedAt = now()
  let polls = 0
  let canStartOver = !isLast
  /** When the last poll was due. */
  let askedAt = startedAt
  /** When the lease was expected to end, as the first answer said. */
  let expectedEnd: number | undefined
  let hasAskedAgain = false
  let hasAskedLast = false

  let heldMs = yield 0
  for (;;) {
    // Nobody held the lease a moment ago: it was filled, released or claimed meanwhile, and a second look tells.
    if (heldMs === undefined && !hasAskedAgain) {
      hasAskedAgain = true
      heldMs = yield 0
      continue
    }
    if (heldMs !== undefined) expectedEnd ??= now() + heldMs
    let isOver = now() >= startedAt + leaseMs || polls >= MAX_POLLS
    const isTakenOver = heldMs === undefined || now() + heldMs > (expectedEnd ?? 0) + leaseMs * TAKEN_OVER
    if (isOver && canStartOver && isTakenOver) {
      canStartOver = false
      startedAt = now()
      polls = 0
      isOver = false
    }
    let pauseMs: number
    if (isOver) {
      // The answer may have been on its way for so long that the lease has ended since. On a busy machine, all callers that
      // wait would then compute at once, just before the first of them could take the lease over. So each asks once more.
      if (heldMs === undefined || hasAskedLast) return
      hasAskedLast = heldMs - (now() - askedAt) <= leaseMs * NEARLY_OVER
      if (!hasAskedLast) return
      pauseMs = takeOverMs(Math.min(heldMs, leaseMs * TAKEN_OVER), random())
    } else {
      const leftMs = startedAt + leaseMs - now()
      polls++
      const pollMs = polls === MAX_POLLS ? leftMs : pollPauseMs(polls, leaseMs, random())
      pauseMs = Math.min(pollMs, heldMs === undefined ? leftMs : takeOverMs(heldMs, random()), leftMs)
    }
    askedAt = now() + pauseMs
    heldMs = yield pauseMs
  }
}

/** Waits for a pause, or less if `wake` settles before. `wake` must not reject. */
export async function sleep(ms: number, wake: Promise<unknown> = new Promise(() => {})): Promise<void> {
  if (ms > 0) await withDeadline(ms, wake)
}

/**
 * The pause before a poll, from number 1. All pauses together fill `leaseMs`: of 10 s, the first is 21 ms and the last 3.8 s.
 *
 * @param random from 0 to 1
 */
export function pollPauseMs(poll: number, leaseMs: number, random: number): number {
  const share = GROWTH ** (poll - 1) / ALL_PAUSES
  return Math.max(MIN_PAUSE_MS, leaseMs * share * (1 - JITTER + 2 * JITTER * random))
}

/** Milliseconds until a lease that is held for `heldMs` can be taken over, with jitter. */
export function takeOverMs(heldMs: number, random: number): number {
  return heldMs + AFTER_LEASE_MS * (1 + random)
}

/** Computes how long a call waits for a lease, and when it polls meanwhile. */
import { now } from '../values/clock.ts'
import { withDeadline } from '../values/with-deadline.ts'

/**
 * The most polls of one wait. With the first read and the fill, they fit into the 50 subrequests of a Workers request.
 */
export const MAX_POLLS = 12
/** Each pause is longer by this factor. A quick computation is noticed soon, and a slow computation costs few polls. */
const GROWTH = 1.6
/** The sum of all pauses of a wait, in units of the first pause. */
const ALL_PAUSES = (GROWTH ** MAX_POLLS - 1) / (GROWTH - 1)
const MIN_PAUSE_MS = 10
/** Pauses vary by this share. Otherwise callers that began to wait together would always poll together. */
const JITTER = 0.25
/** The first poll after the end of a lease is delayed by this much, so that it finds the lease expired. */
const AFTER_LEASE_MS = 20
/** If a lease ends later than expected by more than this share of its length, another caller has taken it over. */
const TAKEN_OVER = 0.5
/** A lease with at most this share of its length left may have expired while the answer was under way. */
const NEARLY_OVER = 0.1

/** Yields the next pause in milliseconds, and receives the `heldMs` of each answer. It ends when the wait is over. */
export type Pauses = Generator<number, void, number | undefined>

/**
 * Creates the pauses of a wait for a lease. Call `next(heldMs)` after each answer, and poll again after the pause.
 *
 * The wait lasts `leaseMs` at most. It starts over once if another caller took over the lease meanwhile. Otherwise all
 * callers that waited for a lost leader would compute at the same time.
 *
 * @param isLast true if the caller has already waited for a lost leader, so that the wait must not start over
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
  /** When the lease should end according to the first answer. */
  let expectedEnd: number | undefined
  let hasAskedAgain = false
  let hasAskedLast = false

  let heldMs = yield 0
  for (;;) {
    // No holder of the lease is known: it was filled, released or claimed a moment ago. Ask again at once.
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
      // The answer may have taken so long that the lease has ended since. On a busy machine, all waiting callers would
      // then compute at once, just before the first of them could take over the lease. So each polls once more.
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

/** Waits for a pause, or until `wake` settles. `wake` must not reject. */
export async function sleep(ms: number, wake: Promise<unknown> = new Promise(() => {})): Promise<void> {
  if (ms > 0) await withDeadline(ms, wake)
}

/**
 * Returns the pause before a poll, in milliseconds. All pauses together fill `leaseMs`. With 10 s, the first pause is
 * 21 ms and the last is 3.8 s.
 *
 * @param poll counts from 1
 * @param random from 0 to 1
 */
export function pollPauseMs(poll: number, leaseMs: number, random: number): number {
  const share = GROWTH ** (poll - 1) / ALL_PAUSES
  return Math.max(MIN_PAUSE_MS, leaseMs * share * (1 - JITTER + 2 * JITTER * random))
}

/** Returns the milliseconds until a lease that is held for `heldMs` can be taken over, with jitter. */
export function takeOverMs(heldMs: number, random: number): number {
  return heldMs + AFTER_LEASE_MS * (1 + random)
}

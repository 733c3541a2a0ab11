/** What a first tier needs to keep a copy of another store's entry. */
import { wallClock } from '../values/clock.ts'
import type { Deadline } from '../values/expiration.ts'

/** A live entry, as a copy of it may be kept elsewhere. */
export interface Copy {
  /** Decoded anew for each caller, so that no two share one. @throws UnreadableValueError */
  readonly value: () => unknown
  /** What remains of its life; Infinity for ever. */
  readonly remainingMs: number
  /** As they are stored; null where there are none. */
  readonly tags: readonly string[] | null
}

/** The same before the value is known. */
export type About = Omit<Copy, 'value'>

/** What remains of a life that begins now. */
export function remainingMs(deadline: Deadline, maxAgeMs: number | null = null): number {
  const ms =
    deadline.kind === 'never'
      ? Number.POSITIVE_INFINITY
      : deadline.kind === 'after'
        ? deadline.ms
        : deadline.epochMs - wallClock()
  return Math.min(ms, maxAgeMs ?? Number.POSITIVE_INFINITY)
}

/**
 * Records which tags were invalidated, and when. It counts invalidations instead of using a clock, so that each has its
 * own position.
 *
 * The log is bounded. If it has too many tags, every entry is checked once, and the log starts over at a horizon.
 * Positions from before the horizon then count as rejected.
 */

import { asSnapshot } from '../../cache/inputs.ts'
import type { CacheSnapshot } from '../../cache.ts'
import { randomBytes } from '../../values/random.ts'
import { formatSnapshot, parseSnapshot } from '../../values/snapshot.ts'

/** The most tags, which take a few megabytes. Checking all entries once in so many invalidations is cheap. */
const MAX_NOTED = 10_000
/** The position of an entry that was rejected when the log started over: before everything. */
export const UNKNOWN = -1

export interface TagLog {
  /** The present position. */
  position(): number
  invalidate(tags: readonly string[]): void
  /** Returns true if one of the tags was, or may have been, invalidated after a position. */
  rejects(tags: readonly string[] | null, position: number): boolean
  snapshot(): CacheSnapshot
  /** Returns the position of a snapshot. The position of another storage's snapshot is before everything. */
  positionOf(snapshot: string): number
}

/**
 * @param judge is called before the log starts over. Entries that are not rejected then can take the present position.
 */
export function createTagLog(judge: () => void): TagLog {
  const noted = new Map<string, number>()
  let sequence = 1
  let horizon = 0
  let own: string | undefined
  // The id is created on first use, because Workers forbid random numbers at module level.
  const id = () => (own ??= randomBytes(4).join(''))

  return {
    position: () => sequence,
    invalidate(tags) {
      sequence++
      for (const tag of tags) noted.set(tag, sequence)
      if (noted.size <= MAX_NOTED) return
      judge()
      noted.clear()
      horizon = sequence
    },
    rejects(tags, position) {
      if (tags === null) return false
      return position < horizon || tags.some((tag) => (noted.get(tag) ?? 0) > position)
    },
    snapshot: () => asSnapshot(formatSnapshot(sequence, id())),
    positionOf: (snapshot) => parseSnapshot(snapshot, id()),
  }
}

/**
 * Notes which tags were invalidated, and when. It counts invalidations in place of time, so nothing falls between two ticks.
 *
 * The log is bounded. If it holds too many tags, it judges every entry once and begins again at a horizon. Snapshots from
 * before the horizon then count as rejected.
 */

import { asSnapshot } from '../../cache/inputs.ts'
import type { CacheSnapshot } from '../../cache.ts'
import { randomBytes } from '../../values/random.ts'
import { formatSnapshot, parseSnapshot } from '../../values/snapshot.ts'

/** A few megabytes of tags. Judging all entries once in so many invalidations is cheap. */
const MAX_NOTED = 10_000
/** The position of an entry that was rejected when the log began again: before everything. */
export const UNKNOWN = -1

export interface TagLog {
  /** The present position. */
  position(): number
  invalidate(tags: readonly string[]): void
  /** True if one of the tags was invalidated after a position, or may have been. */
  rejects(tags: readonly string[] | null, position: number): boolean
  snapshot(): CacheSnapshot
  /** The position of a snapshot; that of another storage is older than everything. */
  positionOf(snapshot: string): number
}

/** @param judge is called before the log begins anew; entries that are not rejected then can take the present position */
export function createTagLog(judge: () => void): TagLog {
  const noted = new Map<string, number>()
  let sequence = 1
  let horizon = 0
  let own: string | undefined
  // Made on first use, because Workers allow no random numbers at module level.
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

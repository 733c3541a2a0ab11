/**
 * Which tags were invalidated, and when: by a sequence and not a clock, so that nothing falls between two ticks.
 *
 * Bounded: where too many tags are noted, every entry is judged by what is known, and the log begins anew at a horizon.
 * What is judged by an older snapshot from then on counts as rejected.
 */

import { asSnapshot } from '../../cache/inputs.ts'
import type { CacheSnapshot } from '../../cache.ts'
import { randomBytes } from '../../values/random.ts'

/** A few megabytes of tags; judging all entries once for so many invalidations is cheap. */
const MAX_NOTED = 10_000
/** The form that every store takes, with the storage's own number where Postgres lists transactions. */
const OWN = /^(\d+):\d+:(\d+)$/
/** Before everything: of a snapshot that says nothing here. */
export const UNKNOWN = -1

export interface TagLog {
  /** The present position. */
  position(): number
  invalidate(tags: readonly string[]): void
  /** Whether one of the tags was invalidated after a position, or may have been. */
  rejects(tags: readonly string[] | null, filledAt: number): boolean
  snapshot(): CacheSnapshot
  /** The position of a snapshot; {@link UNKNOWN} of one that is not of this storage. */
  positionOf(snapshot: string): number
}

/** @param judge is called before the log begins anew; entries that are not rejected then can take the present position */
export function createTagLog(judge: () => void): TagLog {
  const noted = new Map<string, number>()
  let sequence = 1
  let horizon = 0
  let own: string | undefined
  // On first use: on Workers nothing is random at module level.
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
    rejects(tags, filledAt) {
      if (tags === null) return false
      return filledAt < horizon || tags.some((tag) => (noted.get(tag) ?? 0) > filledAt)
    },
    snapshot: () => asSnapshot(`${sequence}:${sequence}:${id()}`),
    positionOf(snapshot) {
      const [, position, from] = OWN.exec(snapshot) ?? []
      return from === id() ? Number(position) : UNKNOWN
    },
  }
}

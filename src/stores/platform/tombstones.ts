/**
 * Remembers which tags this isolate invalidated and when it cleared, by its own clock. The platform cannot remove the
 * copies everywhere.
 *
 * A copy that is not newer than its tombstone counts as a miss. The clock of another isolate may be ahead, so a copy by
 * another isolate must be newer by a margin.
 */
const MARGIN_MS = 5_000
/** With more tags than this, every older copy counts as a miss. */
const MAX_TAGS = 10_000

export interface Tombstones {
  invalidate(tags: readonly string[], at: number): void
  clear(at: number): void
  /** Returns true if a copy may be older than an invalidation that concerns it. */
  cover(copy: { readonly at: number; readonly tags: readonly string[]; readonly isOwn: boolean }): boolean
}

export function createTombstones(): Tombstones {
  const byTag = new Map<string, number>()
  let cleared = Number.NEGATIVE_INFINITY
  return {
    invalidate(tags, at) {
      for (const tag of tags) byTag.set(tag, at)
      if (byTag.size <= MAX_TAGS) return
      byTag.clear()
      cleared = at
    },
    clear(at) {
      cleared = at
      byTag.clear()
    },
    cover({ at, tags, isOwn }) {
      const since = Math.max(cleared, ...tags.map((tag) => byTag.get(tag) ?? Number.NEGATIVE_INFINITY))
      return at <= since + (isOwn ? 0 : MARGIN_MS)
    },
  }
}

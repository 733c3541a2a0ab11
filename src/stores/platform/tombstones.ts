/**
 * Remembers what this isolate invalidated and cleared, and when by its clock: the platform cannot remove it everywhere.
 *
 * A copy that is no younger than its tombstone counts as gone. Another isolate's clock may be ahead, so a copy of another
 * isolate must be younger by a margin.
 */
const MARGIN_MS = 5_000
/** With more tags than this, everything that is older counts as gone. */
const MAX_TAGS = 10_000

export interface Tombstones {
  invalidate(tags: readonly string[], at: number): void
  clear(at: number): void
  /** True if a copy may be older than an invalidation that concerns it. */
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

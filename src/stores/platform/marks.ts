/**
 * What this isolate invalidated and cleared, by its clock: the platform cannot take it out everywhere.
 *
 * A copy that is no younger counts as gone. Another isolate's clock may be ahead, so its copies have to be younger by a margin.
 */
const MARGIN_MS = 5_000
/** Tags that are remembered; with more, everything that is older counts as gone. */
const MAX_TAGS = 10_000

export interface Marks {
  invalidate(tags: readonly string[], at: number): void
  clear(at: number): void
  /** Whether a copy may be older than what was invalidated. */
  isOutdated(copy: { readonly at: number; readonly tags: readonly string[]; readonly isOwn: boolean }): boolean
}

export function createMarks(): Marks {
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
    isOutdated({ at, tags, isOwn }) {
      const since = Math.max(cleared, ...tags.map((tag) => byTag.get(tag) ?? Number.NEGATIVE_INFINITY))
      return at <= since + (isOwn ? 0 : MARGIN_MS)
    },
  }
}

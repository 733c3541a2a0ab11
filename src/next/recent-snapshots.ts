/** Remembers what the database's state was when a fill began. */
import type { CacheSnapshot } from '../cache.ts'

/** All of the newest are kept, … */
const NEWEST = 256
/** … and older ones this far apart, … */
const GAP_MS = 5_000
/** … for as long as a fill may take. */
const LONGEST_FILL_MS = 3_600_000

interface Taken {
  readonly snapshot: CacheSnapshot
  /** When its answer arrived. */
  readonly at: number
}

export interface RecentSnapshots {
  add(snapshot: CacheSnapshot | undefined, at: number): void
  /**
   * The newest snapshot that had arrived at that time. A fill that began then has read no older data, whichever key the
   * snapshot came with. If none had arrived, the oldest that is known; undefined if none is known.
   */
  before(time: number): CacheSnapshot | undefined
}

export function createRecentSnapshots(): RecentSnapshots {
  let taken: Taken[] = []
  return {
    add(snapshot, at) {
      if (snapshot === undefined) return
      taken.push({ snapshot, at })
      if (taken.length >= 2 * NEWEST) taken = thinOut(taken, at)
    },
    before: (time) => (taken.findLast(({ at }) => at <= time) ?? taken[0])?.snapshot,
  }
}

function thinOut(taken: readonly Taken[], now: number): Taken[] {
  const kept: Taken[] = []
  for (const each of taken.slice(0, -NEWEST)) {
    const last = kept.at(-1)
    const isApart = last === undefined || each.at - last.at >= GAP_MS
    if (isApart && now - each.at <= LONGEST_FILL_MS) kept.push(each)
  }
  return [...kept, ...taken.slice(-NEWEST)]
}

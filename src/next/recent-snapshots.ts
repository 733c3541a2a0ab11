/** Remembers snapshots of the database, to find the one from when a fill began. */
import type { CacheSnapshot } from '../cache.ts'

/** How many of the newest snapshots are all kept. */
const NEWEST = 256
/** The minimum distance between older snapshots. Those in between are dropped. */
const GAP_MS = 5_000
/** The age at which a snapshot is dropped: the longest time that a fill may take. */
const LONGEST_FILL_MS = 3_600_000

interface TimedSnapshot {
  readonly snapshot: CacheSnapshot
  /** When its answer arrived. */
  readonly at: number
}

export interface RecentSnapshots {
  add(snapshot: CacheSnapshot | undefined, at: number): void
  /**
   * Returns the newest snapshot that had arrived before this time. A fill that began at this time has read no older
   * data. This holds even if the snapshot came from a read of another key. If none had arrived, returns the oldest
   * known snapshot, or undefined.
   */
  before(time: number): CacheSnapshot | undefined
}

export function createRecentSnapshots(): RecentSnapshots {
  let taken: TimedSnapshot[] = []
  return {
    add(snapshot, at) {
      if (snapshot === undefined) return
      taken.push({ snapshot, at })
      if (taken.length >= 2 * NEWEST) taken = thinOut(taken, at)
    },
    before: (time) => (taken.findLast(({ at }) => at <= time) ?? taken[0])?.snapshot,
  }
}

function thinOut(taken: readonly TimedSnapshot[], now: number): TimedSnapshot[] {
  const kept: TimedSnapshot[] = []
  for (const each of taken.slice(0, -NEWEST)) {
    const last = kept.at(-1)
    const isApart = last === undefined || each.at - last.at >= GAP_MS
    if (isApart && now - each.at <= LONGEST_FILL_MS) kept.push(each)
  }
  return [...kept, ...taken.slice(-NEWEST)]
}

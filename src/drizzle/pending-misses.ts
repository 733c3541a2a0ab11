/**
 * Tracks running queries whose rows may be stored.
 *
 * Drizzle does not say which `get` a `put` belongs to. The only hint is the array of tables: `put` gets the same array
 * object as its `get`. But with `autoInvalidate: false` there is no array, and all runs of a prepared query share one
 * array.
 *
 * So rows are stored only under a claim that is older than the rows of every possible run. That is a claim made while
 * no other run was active, or so long ago that all earlier runs have ended.
 */
export interface Miss {
  /** The lease under which the rows may be stored; undefined if another process holds it. */
  readonly token: string | undefined
  readonly storedKey: string
  readonly tags: readonly string[]
  readonly startedAt: number
}

/** Runs of one query that cannot be told apart. */
interface ConcurrentRuns {
  /** The number of runs that are active or have failed: no `put` reports a failure. */
  runs: number
  lastStartedAt: number
  /** The last run that got a claim. */
  claim: Miss | undefined
  /** From this instant on, arriving rows cannot be older than the claim. */
  safeFrom: number
}
type Group = Map<string, ConcurrentRuns>

/** A claim that ends because rows arrived. */
export interface Ended {
  readonly claim: Miss
  /**
   * Whether the rows may be stored under the claim. Otherwise release the claim, because other processes wait for it.
   */
  readonly isSafe: boolean
}

/** The most keys in a group. Beyond it, the oldest keys are dropped, and their rows are not stored. */
const MAX_KEYS = 1_000

interface Bounds {
  /** How long rows may be stored under a claim after it became safe, in milliseconds. */
  readonly storedMs: number
  /** The time after which a query has ended or failed, in milliseconds. */
  readonly endedMs: number
}

export function createPendingMisses({ storedMs, endedMs }: Bounds) {
  const byKey: Group = new Map()
  const byTables = new WeakMap<readonly string[], Group>()
  const isActive = ({ runs, lastStartedAt }: ConcurrentRuns, now: number) => runs > 0 && now - lastStartedAt <= endedMs

  function begin(group: Group, key: string, miss: Miss): void {
    const { token, startedAt } = miss
    const before = group.get(key)
    const isAlone = before === undefined || !isActive(before, startedAt)
    const concurrentRuns = isAlone ? { runs: 0, lastStartedAt: 0, claim: undefined, safeFrom: 0 } : before
    concurrentRuns.runs++
    concurrentRuns.lastStartedAt = startedAt
    if (token !== undefined) {
      concurrentRuns.claim = miss
      concurrentRuns.safeFrom = isAlone ? startedAt : startedAt + endedMs
    }
    // Move the key to the end: a map keeps the order of insertion.
    group.delete(key)
    group.set(key, concurrentRuns)
    if (group.size > MAX_KEYS) group.delete(group.keys().next().value as string)
  }
  function end(group: Group | undefined, key: string): ConcurrentRuns | undefined {
    const concurrentRuns = group?.get(key)
    if (concurrentRuns !== undefined && --concurrentRuns.runs === 0) group?.delete(key)
    return concurrentRuns
  }

  return {
    /** True if the rows of another run could be mistaken for the rows of a run that begins now. */
    hasConcurrentRuns(key: string, tables: readonly string[] | undefined, now: number): boolean {
      const concurrentRuns = (tables === undefined ? byKey : byTables.get(tables))?.get(key)
      return concurrentRuns !== undefined && isActive(concurrentRuns, now)
    },
    /** @param tables the array that Drizzle passed to `get`; undefined if its `put` will not get the same array */
    open(key: string, tables: readonly string[] | undefined, miss: Miss): void {
      begin(byKey, key, miss)
      if (tables === undefined) return
      const own: Group = byTables.get(tables) ?? new Map()
      byTables.set(tables, own)
      begin(own, key, miss)
    },
    /** Returns the claim that ends with these rows; undefined if there is none, or if a later run may still use it. */
    close(key: string, tables: readonly string[], now: number): Ended | undefined {
      const ofAll = end(byKey, key)
      const concurrentRuns = end(byTables.get(tables), key) ?? ofAll
      if (concurrentRuns?.claim === undefined) return undefined
      const { claim, safeFrom, runs } = concurrentRuns
      const isSafe = now >= safeFrom && now - safeFrom <= storedMs
      if (!isSafe && runs > 0) return undefined
      concurrentRuns.claim = undefined
      return { claim, isSafe }
    },
  }
}

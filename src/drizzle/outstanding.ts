/**
 * Queries under way whose rows may be stored.
 *
 * Drizzle tells a `put` from others of its key by one thing only: it hands on the very array of tables that it gave to the
 * `get`. Not with `autoInvalidate: false`, and a prepared query has one array for all of its runs. Rows are stored under a
 * claim that they cannot be older than, whichever run they are of: that of a run which began when no other was under way,
 * or one that was made so long ago that all which began before it has ended.
 */
export interface Miss {
  /** The lease under which the rows may be stored; undefined where another process has it. */
  readonly token: string | undefined
  readonly storedKey: string
  readonly tags: readonly string[]
  readonly startedAt: number
}

/** Runs that cannot be told apart. */
interface Rivals {
  /** Under way, or failed: no `put` tells of that. */
  runs: number
  lastStartedAt: number
  /** The last that got a claim. */
  claim: Miss | undefined
  /** From when on no rows that come are older than its claim. */
  safeFrom: number
}
type Group = Map<string, Rivals>

/** What becomes of a claim when rows come. */
export interface Ended {
  readonly claim: Miss
  /** Whether the rows may be stored under it; if not, it is of no use to anybody, and others wait for it. */
  readonly isSafe: boolean
}

/** Keys of a group; more are forgotten, oldest first, and their rows not stored. */
const MAX_KEYS = 1_000

interface Bounds {
  /** For so long rows may be stored under a claim from when on it is safe, in milliseconds. */
  readonly storedMs: number
  /** After so long a query has ended, or failed. */
  readonly endedMs: number
}

export function createOutstanding({ storedMs, endedMs }: Bounds) {
  const byKey: Group = new Map()
  const byTables = new WeakMap<readonly string[], Group>()
  const isUnderWay = ({ runs, lastStartedAt }: Rivals, now: number) => runs > 0 && now - lastStartedAt <= endedMs

  function begin(group: Group, key: string, miss: Miss): void {
    const { token, startedAt } = miss
    const before = group.get(key)
    const isAlone = before === undefined || !isUnderWay(before, startedAt)
    const rivals = isAlone ? { runs: 0, lastStartedAt: 0, claim: undefined, safeFrom: 0 } : before
    rivals.runs++
    rivals.lastStartedAt = startedAt
    if (token !== undefined) {
      rivals.claim = miss
      rivals.safeFrom = isAlone ? startedAt : startedAt + endedMs
    }
    // To the end: a map is in the order of insertion.
    group.delete(key)
    group.set(key, rivals)
    if (group.size > MAX_KEYS) group.delete(group.keys().next().value as string)
  }
  function end(group: Group | undefined, key: string): Rivals | undefined {
    const rivals = group?.get(key)
    if (rivals !== undefined && --rivals.runs === 0) group?.delete(key)
    return rivals
  }

  return {
    /** Whether rows of another run may be taken for those of one that begins now. */
    hasRivals(key: string, tables: readonly string[] | undefined, now: number): boolean {
      const rivals = (tables === undefined ? byKey : byTables.get(tables))?.get(key)
      return rivals !== undefined && isUnderWay(rivals, now)
    },
    /** @param tables as Drizzle gave them, where it hands them on; undefined where it does not */
    open(key: string, tables: readonly string[] | undefined, miss: Miss): void {
      begin(byKey, key, miss)
      if (tables === undefined) return
      const own: Group = byTables.get(tables) ?? new Map()
      byTables.set(tables, own)
      begin(own, key, miss)
    },
    /** The claim that ends with the rows that come; undefined where there is none, or it may yet be of use. */
    close(key: string, tables: readonly string[], now: number): Ended | undefined {
      const ofAll = end(byKey, key)
      const rivals = end(byTables.get(tables), key) ?? ofAll
      if (rivals?.claim === undefined) return undefined
      const { claim, safeFrom, runs } = rivals
      const isSafe = now >= safeFrom && now - safeFrom <= storedMs
      if (!isSafe && runs > 0) return undefined
      rivals.claim = undefined
      return { claim, isSafe }
    },
  }
}

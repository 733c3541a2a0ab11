/**
 * Misses whose rows are still to come.
 *
 * Drizzle tells a `put` from others of its key by one thing only: it hands on the very array of tables that it gave to the
 * `get`. Not with `autoInvalidate: false`, and a prepared query has one array for all of its runs. There, rows that arrive
 * count as old as the oldest miss that is still open: to think them older than they are costs at most a store.
 */
export interface Miss {
  /** The lease under which the rows may be stored; undefined where another process has it. */
  readonly token: string | undefined
  readonly storedKey: string
  /** As Drizzle gave them. */
  readonly tables: readonly string[]
  readonly tags: readonly string[]
  readonly startedAt: number
}

/** Keys with open misses; more are forgotten, and their rows not stored. */
const MAX_KEYS = 1_000
const MAX_MISSES_PER_KEY = 100
/** After which a query has certainly ended, and most likely failed: no `put` tells of that. */
const FORGOTTEN_MS = 600_000

export function createOutstanding(maxAgeMs: number) {
  const misses = new Map<string, Miss[]>()
  const linked = new WeakSet<readonly string[]>()
  const keep = (key: string, open: Miss[]) => {
    // To the end: a map is in the order of insertion.
    misses.delete(key)
    if (open.length > 0) misses.set(key, open)
  }
  return {
    open(key: string, miss: Miss): void {
      linked.add(miss.tables)
      const open = (misses.get(key) ?? []).filter(({ startedAt }) => miss.startedAt - startedAt < FORGOTTEN_MS)
      // Of a herd one has the lease: whose rows cannot be stored anyway goes first.
      if (open.length === MAX_MISSES_PER_KEY) open.splice(Math.max(0, open.findIndex(isWithoutLease)), 1)
      keep(key, [...open, miss])
      for (const oldest of misses.keys()) {
        if (misses.size <= MAX_KEYS) break
        misses.delete(oldest)
      }
    },
    /** The miss that rows belong to, or the oldest that they may; undefined where there is none, or its query took too long. */
    close(key: string, tables: readonly string[], now: number): Miss | undefined {
      const open = misses.get(key) ?? []
      const possible = linked.has(tables) ? open.filter((miss) => miss.tables === tables) : open
      const [oldest] = possible
      const isInTime = oldest !== undefined && now - oldest.startedAt <= maxAgeMs
      // Of a query that failed, it would be taken for the next one's, and that for the one's after it: it stays, until it
      // is forgotten.
      const closed = isInTime ? oldest : possible.at(-1)
      keep(
        key,
        open.filter((miss) => miss !== closed),
      )
      return isInTime ? oldest : undefined
    },
  }
}

const isWithoutLease = ({ token }: Miss) => token === undefined

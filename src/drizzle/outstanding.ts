/**
 * Misses whose rows are still to come.
 *
 * Drizzle gives nothing that links a `put` to its `get`. Rows that arrive count as old as the oldest miss of their key that
 * is still open: they cannot be older than that, and to think them older than they are costs at most a store.
 */
export interface Miss {
  /** The lease under which the rows may be stored; undefined where another process has it. */
  readonly token: string | undefined
  readonly storedKey: string
  readonly tags: readonly string[]
  readonly startedAt: number
}

/** Keys with open misses; more are forgotten, and their rows not stored. */
const MAX_KEYS = 1_000
const MAX_MISSES_PER_KEY = 100

export function createOutstanding(maxAgeMs: number) {
  const misses = new Map<string, Miss[]>()
  return {
    open(key: string, miss: Miss): void {
      const open = (misses.get(key) ?? []).slice(-MAX_MISSES_PER_KEY + 1)
      // To the end: a map is in the order of insertion.
      misses.delete(key)
      misses.set(key, [...open, miss])
      for (const oldest of misses.keys()) {
        if (misses.size <= MAX_KEYS) break
        misses.delete(oldest)
      }
    },
    /** The oldest open miss of a key; undefined where there is none, or its query took too long. */
    close(key: string, now: number): Miss | undefined {
      const [oldest, ...rest] = misses.get(key) ?? []
      if (rest.length === 0) misses.delete(key)
      else misses.set(key, rest)
      return oldest !== undefined && now - oldest.startedAt <= maxAgeMs ? oldest : undefined
    },
  }
}

import type { Cache } from 'pgstash'

/** Counts the live entries exactly, and reports its progress. */
export async function countLive(cache: Cache, say: (percent: number) => void): Promise<number> {
  const { total } = await cache.stats()
  return cache.count({
    // The total is an estimate, and 0 for an empty cache.
    onProgress: (counted) => say(Math.min(100, Math.round((100 * counted) / Math.max(1, total)))),
    signal: AbortSignal.timeout(120_000),
  })
}

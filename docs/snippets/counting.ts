import type { Cache } from 'pgstash'

/** Counts the live entries exactly, and says how far it is. */
export async function countLive(cache: Cache, say: (percent: number) => void): Promise<number> {
  const { total } = await cache.stats()
  return cache.count({
    onProgress: (counted) => say(Math.round((100 * counted) / total)),
    signal: AbortSignal.timeout(120_000),
  })
}

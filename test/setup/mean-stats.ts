/** Figures that deviate little, although each call of `stats` draws another sample. */
import type { Cache } from 'pgstash'

const CALLS = 4

/** Calls `stats` several times. Returns the mean of each figure, and whether all of them were estimates. */
export async function meanStats(cache: Cache) {
  const sum = { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0 }
  let estimated = true
  for (let i = 0; i < CALLS; i++) {
    const stats = await cache.stats()
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += stats[name] / CALLS
    estimated &&= stats.estimated
  }
  return { ...sum, estimated }
}

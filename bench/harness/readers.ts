/** How long reads take while something else goes on. */
import { createHistogram } from 'node:perf_hooks'
import type pg from 'pg'

export interface ReadTimes {
  readonly p50: number
  readonly p99: number
  readonly reads: number
}

const READERS = 4

/** Reads until `until` settles; in milliseconds. */
export async function readDuring(pool: pg.Pool, keys: readonly string[], until: Promise<unknown>): Promise<ReadTimes> {
  const histogram = createHistogram()
  let isOver = false
  const ended = until.finally(() => {
    isOver = true
  })
  const text = 'select value from cache_entries where key = $1 and (expires_at is null or expires_at > now())'
  const reader = async () => {
    while (!isOver) {
      const startedAt = performance.now()
      await pool.query({ name: 'read', text, values: [keys[Math.floor(Math.random() * keys.length)]] })
      histogram.record(Math.max(1, Math.round((performance.now() - startedAt) * 1e6)))
    }
  }
  await Promise.all(Array.from({ length: READERS }, reader))
  await ended
  return { p50: histogram.percentile(50) / 1e6, p99: histogram.percentile(99) / 1e6, reads: histogram.count }
}

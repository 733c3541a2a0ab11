/** Pages, counts and statistics that read a bounded number of entries, however many the table holds. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache, DatabaseTimeoutError, type ListOptions } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, describe, expect, it } from 'vitest'
import { countInParts } from '../../src/postgres/count-in-parts.ts'
import { ROOT } from '../../src/values/key.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

/** More entries than a page reads, and more than the first part of a count. */
const ENTRIES = 12_000
const LOOKED_AT = 5_000

let caches: Record<'over TCP' | 'over HTTP', Cache>

beforeAll(async () => {
  const url = await createDatabase()
  const pool = createPool(url)
  await migrate(drizzle(pool))
  const { db } = await createNeon(url)
  caches = {
    'over TCP': createCache(drizzle(pool), { timeout: 60_000 }),
    'over HTTP': createCache(db, { timeout: 60_000 }),
  }
  await pool.query(
    `insert into cache_entries (key, number, expires_at, kept_until)
     select 'many|' || lpad(i::text, 5, '0'), i, now() + interval '1 day', now() + interval '1 day'
     from generate_series(1, $1::int) as i`,
    [ENTRIES],
  )
  await pool.query(
    `insert into cache_entries (key, number, expires_at, kept_until)
     values ('many|expired', 1, now() - interval '1 hour', now() - interval '1 hour'), ('many|forever', 1, null, null)`,
  )
})

/** Returns the size of each page, and all keys. */
async function pagesOf(cache: Cache, options: ListOptions) {
  const sizes: number[] = []
  const keys: string[] = []
  let cursor: string | undefined
  do {
    const page = await cache.list({ ...options, ...(cursor === undefined ? {} : { cursor }) })
    sizes.push(page.entries.length)
    keys.push(...page.entries.map(({ key }) => key))
    cursor = page.cursor
  } while (cursor !== undefined)
  return { sizes, keys }
}

describe.each(['over TCP', 'over HTTP'] as const)('a cache with many entries, %s', (way) => {
  it('ends a page after a fixed number of entries read, whether they match or not', async () => {
    const cache = caches[way].namespace('many')
    expect(await pagesOf(cache, { state: 'expired' })).toEqual({ sizes: [0, 0, 1], keys: ['expired'] })
    expect(await pagesOf(cache, { state: 'forever' })).toEqual({ sizes: [0, 0, 1], keys: ['forever'] })
    expect(await pagesOf(cache, { state: 'invalidated' })).toEqual({ sizes: [0, 0, 0], keys: [] })
    expect(await pagesOf(caches[way], { prefix: 'm' })).toEqual({ sizes: [0, 0, 0], keys: [] })
  })

  it('lists each entry once, whether a page fills up at its edge or before', async () => {
    const cache = caches[way].namespace('many')
    for (const limit of [1_000, 999, 834]) {
      const { sizes, keys } = await pagesOf(cache, { state: 'live', limit })
      expect(keys).toEqual([...Array.from({ length: ENTRIES }, (_, i) => String(i + 1).padStart(5, '0')), 'forever'])
      expect(Math.max(...sizes)).toBe(limit)
    }
    const [first] = (await pagesOf(cache, { limit: 1_000 })).sizes
    expect(first).toBe(1_000)
  })

  it('counts in parts in the order of keys, and reports progress', async () => {
    const progress: number[] = []
    const onProgress = (counted: number) => void progress.push(counted)
    expect(await caches[way].count({ onProgress })).toBe(ENTRIES + 1)
    expect(progress).toEqual([10_000, ENTRIES + 2])
    const stats = await caches[way].namespace('many').stats({ exact: true })
    expect(stats).toMatchObject({ total: ENTRIES + 2, expired: 1, unexpired: ENTRIES, forever: 1, estimated: false })
  })

  it('stops counting once the signal aborts', async () => {
    const leaving = new AbortController()
    const progress: number[] = []
    const onProgress = (counted: number) => {
      progress.push(counted)
      leaving.abort(new Error('The caller has left.'))
    }
    await expect(caches[way].count({ onProgress, signal: leaving.signal })).rejects.toThrow('The caller has left.')
    expect(progress).toEqual([10_000])
  })

  it('marks its statistics as estimates, without a total', async () => {
    const stats = await caches[way].namespace('many').stats()
    expect(stats).toMatchObject({ total: ENTRIES + 2, estimated: true })
    expect(stats.expired + stats.unexpired + stats.forever).toBe(stats.total)
    const estimate = await caches[way].namespace('many').count({ estimate: true })
    expect(Math.abs(estimate - ENTRIES)).toBeLessThan(LOOKED_AT / 100)
  })
})

describe('a count with a part that times out', () => {
  /** A database that answers at most `largest` entries a part, after the first part. */
  function slow(largest: number, calls = 5) {
    const limits: number[] = []
    const run = async (_: unknown, { limit }: Record<string, unknown> = {}) => {
      limits.push(Number(limit))
      if (limits.length > 1 && Number(limit) > largest) throw new DatabaseTimeoutError(5_000)
      const figures = { total: Number(limit), expired: 0, unexpired: Number(limit), forever: 0, bytes: 0 }
      return [{ ...figures, last: limits.length < calls ? 'key' : null }]
    }
    return { limits, count: () => countInParts(run as never, ROOT, {}) }
  }

  it('continues with smaller parts, which grow again up to half of the size that timed out', async () => {
    const { limits, count } = slow(5_000, 9)
    const { total } = await count()
    const late = [20_000, 10_000]
    expect(limits).toEqual([10_000, 20_000, 2_500, 5_000, 10_000, 1_250, 2_500, 5_000, 5_000])
    expect(total).toBe(
      limits.filter((limit, i) => i === 0 || !late.includes(limit)).reduce((sum, limit) => sum + limit, 0),
    )
  })

  it('rejects if the database does not answer smaller parts either', async () => {
    const { limits, count } = slow(0)
    await expect(count()).rejects.toBeInstanceOf(DatabaseTimeoutError)
    expect(limits).toHaveLength(4)
    expect(limits.at(-1)).toBeLessThan(400)
  })

  it('rejects at once if even the first part times out', async () => {
    const run = async () => {
      throw new DatabaseTimeoutError(5_000)
    }
    await expect(countInParts(run, ROOT, {})).rejects.toBeInstanceOf(DatabaseTimeoutError)
  })
})

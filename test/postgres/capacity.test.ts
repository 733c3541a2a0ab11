/** `maxEntries` and `maxBytes`: how cleanup shrinks a cache that is too large. */
import { drizzle } from 'drizzle-orm/node-postgres'
import fc from 'fast-check'
import { type CacheOptions, createCache, shardedCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'

let url: string
let pool: ReturnType<typeof createPool>
let db: ReturnType<typeof drizzle>

beforeAll(async () => {
  url = await createDatabase()
  pool = createPool(url)
  db = drizzle(pool)
  await migrate(db)
})

beforeEach(async () => {
  await pool.query('truncate cache_entries, cache_leases, cache_invalidations')
})

const keys = async () => (await pool.query('select key from cache_entries order by key')).rows.map(({ key }) => key)
const create = (options: CacheOptions) => createCache(db, { timeout: 60_000, ...options })

/** For each entry: in how many minutes it expires (null: never), and how many minutes ago it was touched. */
async function fill(entries: { key: string; lives: number | null; touched?: number }[]): Promise<void> {
  await pool.query(
    `insert into cache_entries (key, number, expires_at, kept_until, updated_at)
     select key, 1, now() + lives * interval '1 minute', now() + lives * interval '1 minute', now() - coalesce(touched, 0) * interval '1 minute'
     from json_to_recordset($1) as e(key text, lives float8, touched float8)`,
    [JSON.stringify(entries)],
  )
}

describe('a cache with maxEntries', () => {
  it('evicts the entries that expire soonest, then permanent entries by least recent touch', async () => {
    await fill([
      { key: 'soon', lives: 1 },
      { key: 'sooner than late', lives: 30 },
      { key: 'late', lives: 600 },
      { key: 'touched long ago', lives: null, touched: 50 },
      { key: 'touched just now', lives: null, touched: 1 },
    ])
    const left = async (maxEntries: number) => {
      const { removed, evicted, more } = await create({ maxEntries }).clearExpired()
      return [removed, evicted, more, ...(await keys())]
    }
    expect(await left(5)).toEqual([
      0,
      0,
      false,
      'late',
      'soon',
      'sooner than late',
      'touched just now',
      'touched long ago',
    ])
    expect(await left(4)).toEqual([0, 1, false, 'late', 'sooner than late', 'touched just now', 'touched long ago'])
    expect(await left(3)).toEqual([0, 1, false, 'late', 'touched just now', 'touched long ago'])
    expect(await left(1)).toEqual([0, 2, false, 'touched just now'])
  })

  it('deletes expired entries first, and evicts no more than necessary', async () => {
    await fill([
      { key: 'over', lives: -5 },
      { key: 'a', lives: 1 },
      { key: 'b', lives: 2 },
    ])
    expect(await create({ maxEntries: 2 }).clearExpired()).toEqual({ removed: 1, evicted: 0, more: false })
    expect(await keys()).toEqual(['a', 'b'])
  })

  it('is within its bounds after a run, and keeps the entries that live longest', async () => {
    const entry = fc.record({
      lives: fc.option(fc.integer({ min: 5, max: 5_000 }), { nil: null }),
      touched: fc.integer({ min: 0, max: 5_000 }),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 40 }),
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 10 }),
        async (drawn, maxEntries, batch) => {
          await pool.query('truncate cache_entries')
          const entries = drawn.map((one, i) => ({ key: `k${i}`, ...one }))
          await fill(entries)
          const { evicted, more } = await create({ maxEntries }).clearExpired({ batch })
          expect([evicted, more]).toEqual([Math.max(0, entries.length - maxEntries), false])
          // Compared by rank, because any of several equal entries may be evicted.
          const rank = ({ lives, touched }: { lives: number | null; touched: number }) =>
            lives === null ? 10_000 + (5_000 - touched) : lives
          const expected = entries
            .map(rank)
            .sort((a, b) => b - a)
            .slice(0, maxEntries)
          const kept = new Set(await keys())
          const ranks = entries
            .filter(({ key }) => kept.has(key))
            .map(rank)
            .sort((a, b) => b - a)
          expect(ranks).toEqual(expected)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('evicts at most 50,000 entries a run, and continues in the next run', async () => {
    await pool.query(
      `insert into cache_entries (key, number, expires_at, kept_until)
       select 'k' || i, i, now() + interval '1 hour', now() + interval '1 hour' from generate_series(1, 50010) as i`,
    )
    const cache = create({ maxEntries: 5, timeout: 60_000 })
    expect(await cache.clearExpired()).toEqual({ removed: 0, evicted: 50_000, more: true })
    expect(await cache.clearExpired()).toEqual({ removed: 0, evicted: 5, more: false })
    expect(await cache.count()).toBe(5)
  })

  it('stops when its time is up, after at least one batch', async () => {
    await fill(Array.from({ length: 10 }, (_, i) => ({ key: `k${i}`, lives: i + 1 })))
    const cache = create({ maxEntries: 1 })
    expect(await cache.clearExpired({ batch: 2, timeBudget: 0 })).toEqual({ removed: 0, evicted: 2, more: true })
    expect(await keys()).toEqual(Array.from({ length: 8 }, (_, i) => `k${i + 2}`))
  })

  it('skips entries that are locked or being computed, and does not wait for them', async () => {
    await fill(Array.from({ length: 4 }, (_, i) => ({ key: `k${i}`, lives: i + 1 })))
    await pool.query(
      "insert into cache_leases (key, token, expires_at) values ('k0', 't', now() + interval '1 minute')",
    )
    const holder = await pool.connect()
    try {
      await holder.query("begin; select from cache_entries where key = 'k1' for update")
      const result = await create({ maxEntries: 1 }).clearExpired()
      expect(result).toEqual({ removed: 0, evicted: 2, more: false })
      expect(await keys()).toEqual(['k0', 'k1'])
    } finally {
      await holder.query('rollback')
      holder.release()
    }
  })

  it('counts nested namespaces into a namespace, and leaves all others alone', async () => {
    const everything = create({})
    for (const place of [everything, everything.namespace('a'), everything.namespace('a').namespace('b')]) {
      await place.setMany({ x: 1, y: 1 }, { expiration: '1h' })
    }
    await everything.namespace('ab').set('x', 1, { expiration: '1m' })
    const bounded = create({ namespace: 'a', maxEntries: 3 })
    // The bound holds for the namespace as a whole, not for each part of it.
    expect(await bounded.namespace('b').clearExpired()).toEqual({ removed: 0, more: false })
    expect(await bounded.clearExpired()).toEqual({ removed: 0, evicted: 1, more: false })
    expect(await bounded.count()).toBe(3)
    expect(await everything.count()).toBe(6)
  })

  it('runs one more estimate than a cleanup without a bound', async () => {
    const neon = await createNeon(url)
    await createCache(neon.db, { timeout: 60_000 }).clearExpired()
    const before = neon.faults.requests
    await createCache(neon.db, { maxEntries: 10, timeout: 60_000 }).clearExpired()
    expect(neon.faults.requests - before).toBe(2)
  })
})

describe('a cache with maxBytes', () => {
  it('evicts until the entries fit', async () => {
    const cache = create({ maxBytes: 20_000 })
    const value = () => Array.from({ length: 500 }, () => crypto.randomUUID()[0]).join('')
    await cache.setMany(Array.from({ length: 100 }, (_, i) => [`k${i}`, value()]))
    expect((await cache.stats()).bytes).toBeGreaterThan(40_000)
    expect(await cache.clearExpired()).toMatchObject({ removed: 0, more: false })
    const { bytes } = await cache.stats()
    expect([bytes <= 20_000, bytes > 10_000]).toEqual([true, true])
  })
})

describe('a large table with a bound', () => {
  it('shrinks close to its bound by estimates from a sample', async () => {
    // About 60 MB of permanent entries. The first ones were touched least recently.
    await pool.query(
      `insert into cache_entries (key, value, updated_at)
       select 'k' || i, repeat('x', 600), now() - (70000 - i) * interval '1 minute' from generate_series(1, 70000) as i`,
    )
    const cache = create({ maxEntries: 60_000, timeout: 60_000 })
    const { evicted = 0 } = await cache.clearExpired()
    expect(Math.abs(evicted - 10_000)).toBeLessThan(8_500)
    const [kept] = (
      await pool.query(
        "select count(*)::int as count from cache_entries where updated_at > now() - interval '30000 minutes'",
      )
    ).rows
    expect(kept.count).toBeGreaterThan(29_000)
  })
})

describe('bounds of a cache', () => {
  it.each([{ maxEntries: 0 }, { maxEntries: 1.5 }, { maxEntries: '5' }, { maxBytes: -1 }, { maxBytes: Number.NaN }])(
    'refuses %o',
    (options) => {
      expect(() => createCache(db, options as object)).toThrow(/Expected max(Entries|Bytes) to be a whole number/)
    },
  )

  it('applies the bound to each node of a sharded cache', async () => {
    const other = createPool(await createDatabase())
    await migrate(drizzle(other))
    const cache = shardedCache({
      nodes: { a: create({ maxEntries: 3 }), b: createCache(drizzle(other), { maxEntries: 2, timeout: 60_000 }) },
    })
    await cache.setMany(
      Array.from({ length: 60 }, (_, i) => [`k${i}`, 1]),
      { expiration: '1h' },
    )
    expect(await cache.clearExpired()).toEqual({ removed: 0, evicted: 55, more: false })
    expect(await cache.count()).toBe(5)
  })
})

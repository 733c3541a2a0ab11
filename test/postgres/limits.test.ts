/**
 * The algorithms of `limit` in Postgres: exact under concurrency, in one round trip. The test project `inline
 * statements` runs this file without routines.
 */
import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { type Cache, createCache, type Database, type LimitRule } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { connectors } from '../setup/drivers.ts'
import { createNeon } from '../setup/neon.ts'
import { advance, emptyTables } from '../setup/postgres-store.ts'
import { IS_INLINE } from '../setup/statements.ts'

const HOUR_MS = 3_600_000
const RULES: [string, LimitRule][] = [
  ['a fixed window', { limit: 10, period: '1h' }],
  ['a sliding window', { limit: 10, period: '1h', algorithm: 'sliding-window' }],
  ['a token bucket', { limit: 10, period: '1h', algorithm: 'token-bucket', refill: 5 }],
]
const times = <T>(count: number, make: (i: number) => T) => Array.from({ length: count }, (_, i) => make(i))

describe.each(Object.keys(connectors))('limits over %s', (driver) => {
  let db: Database
  let caches: Cache[]
  beforeAll(async () => {
    const url = await createDatabase()
    const connect = connectors[driver] as (typeof connectors)[string]
    db = await connect(url)
    await migrate(db)
    // Clients that share only the database. Without prepared names they call routines.
    const clients = await Promise.all(times(3, () => connect(url)))
    caches = clients.map((client) => createCache(client, { timeout: 60_000, preparedNames: false }))
  })
  beforeEach(() => emptyTables(db))

  it.each(RULES)('%s allows exactly the limit among parallel calls', async (_name, rule) => {
    const calls = await Promise.all(
      times(60, (i) => (caches[i % 3] as Cache).limit('key', { ...rule, limit: 20, cost: 1 + (i % 3) })),
    )
    const spent = calls.reduce((sum, { allowed }, i) => sum + (allowed ? 1 + (i % 3) : 0), 0)
    expect(spent).toBe(20)
  })

  it.each(RULES)('%s is exact in a window that has begun, and after time has passed', async (_name, rule) => {
    const [cache] = caches as [Cache]
    await cache.limit('key', { ...rule, cost: 10 })
    await advance(db, 1.5 * HOUR_MS)
    const { remaining } = await cache.limit('key', { ...rule, cost: 0 })
    const calls = await Promise.all(times(40, (i) => (caches[i % 3] as Cache).limit('key', rule)))
    expect(remaining).toBeGreaterThan(0)
    expect(calls.filter(({ allowed }) => allowed)).toHaveLength(remaining)
  })

  it.each(RULES)('%s stays exact while calls are given back concurrently', async (_name, rule) => {
    await Promise.all(times(60, (i) => (caches[i % 3] as Cache).limit('key', { ...rule, cost: i % 2 ? 1 : -1 })))
    const [cache] = caches as [Cache]
    const { remaining } = await cache.limit('key', { ...rule, cost: 0 })
    expect(remaining).toBeGreaterThanOrEqual(0)
    expect(remaining).toBeLessThanOrEqual(10)
    const calls = await Promise.all(times(15, () => cache.limit('key', rule)))
    expect(calls.filter(({ allowed }) => allowed)).toHaveLength(remaining)
  })

  it.each(RULES)(
    '%s ends its window although the clock stepped back, however often it refuses',
    async (_name, rule) => {
      const [cache] = caches as [Cache]
      await cache.limit('key', { ...rule, cost: 10 })
      await advance(db, -4 * HOUR_MS)
      expect((await cache.limit('key', rule)).allowed).toBe(false)
      await advance(db, HOUR_MS)
      await cache.limit('key', { ...rule, cost: 9 })
      await advance(db, 1.5 * HOUR_MS)
      expect((await cache.limit('key', rule)).allowed).toBe(true)
    },
  )
})

describe('one call of a limit', () => {
  let stash: Awaited<ReturnType<typeof createNeon>>
  let cache: Cache
  beforeAll(async () => {
    stash = await createNeon(await createDatabase())
    await migrate(stash.db)
    cache = createCache(stash.db, { timeout: 60_000 })
  })

  it.each(RULES)('with %s takes one round trip and one statement', async (name, rule) => {
    for (const cost of [1, 0, 5, 11, 9, -2, -20, 1]) {
      stash.faults.reset()
      await cache.limit(name, { ...rule, cost })
      expect({ requests: stash.faults.requests, statements: stash.faults.statements }).toEqual({
        requests: 1,
        statements: 1,
      })
    }
    stash.faults.reset()
    await cache.limit(`${name}, absent`, { ...rule, cost: -2 })
    expect(stash.faults.requests).toBe(1)
  })
})

describe('the rows of limits', () => {
  let cache: Cache
  let pool: ReturnType<typeof createPool>
  beforeAll(async () => {
    pool = createPool(await createDatabase())
    const db = drizzlePg(pool)
    await migrate(db)
    cache = createCache(db, { timeout: 60_000, preparedNames: false })
  })
  const row = async (key: string) => {
    const { rows } = await pool.query('select xmin, number, expires_at from cache_entries where key = $1', [key])
    return rows[0] as { xmin: string; number: string } | undefined
  }

  it.skipIf(IS_INLINE)('are not written by a fixed window that keeps refusing', async () => {
    const rule: LimitRule = { limit: 2, period: '1h' }
    for (const _ of [1, 2, 3]) await cache.limit('fixed', rule)
    const before = await row('fixed')
    for (const _ of [1, 2]) expect((await cache.limit('fixed', rule)).allowed).toBe(false)
    expect(await row('fixed')).toEqual(before)
  })

  it('hold readable counts', async () => {
    await cache.limit('counted', { limit: 9, period: '1h', cost: 4 })
    await cache.limit('bucket', { limit: 9, period: '1h', cost: 4, algorithm: 'token-bucket', refill: 1 })
    await cache.limit('sliding', { limit: 9, period: '1h', cost: 4, algorithm: 'sliding-window' })
    for (const key of ['counted', 'bucket', 'sliding']) expect(await cache.get(key)).toBe(4)
  })

  it('are not created by calls that change nothing', async () => {
    for (const [name, rule] of RULES) {
      for (const cost of [0, 11]) await cache.limit(name, { ...rule, cost })
      expect(await row(name)).toBe(undefined)
    }
  })

  it('read any other number as a count, however large', async () => {
    for (const number of [1e21, -3, 1e-30, 9007199254740990]) {
      for (const [, rule] of RULES) {
        await cache.set('number', number)
        const { allowed, remaining } = await cache.limit('number', rule)
        expect([allowed, remaining]).toEqual(number > 10 ? [false, 0] : [true, 9])
      }
    }
  })
})

describe('a limit in a transaction of the caller', () => {
  it.each(RULES)(
    'with %s refuses the first call over the limit, also while the clock stands still',
    async (_name, rule) => {
      // PGlite's clock has coarse ticks, and all statements of a transaction share one transaction id.
      const client = new PGlite()
      cleanup(() => client.close())
      const db = drizzlePglite({ client })
      await migrate(db)
      const allowed = await db.transaction(async (tx) => {
        const cache = createCache(tx)
        const results: boolean[] = []
        for (let i = 0; i < 12; i++) results.push((await cache.limit('key', rule)).allowed)
        return results
      })
      expect(allowed).toEqual([...Array(10).fill(true), false, false])
    },
  )
})

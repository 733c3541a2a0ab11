/** The clock of the server steps back by hours, so every deadline moves that much further into the future. */
import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { type Cache, type CacheEvent, type CacheOptions, createCache, type Database } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { advance, emptyTables } from '../setup/postgres-store.ts'

const HOUR_MS = 3_600_000

const drivers: Record<string, () => Promise<Database>> = {
  'neon-http': async () => (await createNeon(await createDatabase())).db,
  'node-postgres': async () => drizzlePg({ client: createPool(await createDatabase()) }),
  'postgres-js': async () => {
    const client = postgres(await createDatabase(), { onnotice: () => {} })
    cleanup(() => client.end())
    return drizzlePostgres({ client })
  },
  pglite: async () => {
    const client = new PGlite()
    cleanup(() => client.close())
    return drizzlePglite({ client })
  },
}

/** A computation that never ends, because its process was lost. */
const lost = () => new Promise<never>(() => {})

describe.each(Object.keys(drivers))('after the clock stepped back by four hours, over %s', (name) => {
  let db: Database
  const cacheOf = (options?: CacheOptions): Cache => createCache(db, { timeout: 60_000, ...options })
  const stepBack = (hours = 4) => advance(db, -hours * HOUR_MS)

  beforeAll(async () => {
    db = await (drivers[name] as () => Promise<Database>)()
    await migrate(db)
  })
  beforeEach(() => emptyTables(db))

  it('resets a limit after one period at the latest', async () => {
    const cache = cacheOf()
    const rule = { limit: 1, period: '1m' as const }
    await cache.limit('key', rule)
    await stepBack()
    const denied = await cache.limit('key', rule)
    expect(denied).toMatchObject({ allowed: false, count: 2 })
    expect(denied.resetMs).toBeLessThanOrEqual(60_000)
    await advance(db, 30_000)
    // The second call after the step does not extend the window.
    expect((await cache.limit('key', rule)).resetMs).toBeLessThanOrEqual(30_000)
    await advance(db, 30_000)
    expect(await cache.limit('key', rule)).toMatchObject({ allowed: true, count: 1 })
  })

  it('resets a limit with tags as well', async () => {
    const cache = cacheOf()
    await cache.set('key', 1, { tags: ['tag'], expiration: 60 })
    await stepBack()
    const { count, resetMs } = await cache.limit('key', { limit: 5, period: 60 })
    expect(count).toBe(2)
    expect(resetMs).toBeLessThanOrEqual(60_000)
  })

  it('keeps the end of a running window whose period is longer than the caller’s', async () => {
    const cache = cacheOf()
    await cache.limit('key', { limit: 5, period: '1h' })
    expect((await cache.limit('key', { limit: 5, period: '1m' })).resetMs).toBeGreaterThan(60_000)
  })

  it('stores the value of a new computation, and nobody waits for the lost one', async () => {
    void cacheOf().getOrSet('key', lost, { lease: '1h' })
    await expect.poll(() => leaseCount(db)).toBe(1)
    await stepBack()
    const events: CacheEvent[] = []
    const cache = cacheOf({ onEvent: (event) => events.push(event) })
    expect(await cache.getOrSet('key', () => 'computed', { lease: '1h' })).toBe('computed')
    expect(events.map(({ type }) => type)).toEqual(['miss', 'fill'])
    expect(await cache.get('key')).toBe('computed')
  })

  it('keeps the lease of a running computation if the clock stepped back by less than a second', async () => {
    void cacheOf().getOrSet('key', lost, { lease: '1h' })
    await expect.poll(() => leaseCount(db)).toBe(1)
    await advance(db, -500)
    const events: CacheEvent[] = []
    await cacheOf({ onEvent: (event) => events.push(event) }).getOrSet('key', () => 'computed', { lease: '1s' })
    expect(events.map(({ type }) => type)).toContain('wait')
  })

  it('serves a request without waiting for the lost response', async () => {
    const url = 'https://example.com/'
    const options = { lease: '1h' as const, expiration: '1m' as const }
    void withResponseCache(lost, { cache: cacheOf(), ...options })(new Request(url))
    await expect.poll(() => leaseCount(db)).toBe(1)
    await stepBack()
    const serve = withResponseCache(() => new Response('body'), { cache: cacheOf(), ...options })
    expect(await (await serve(new Request(url))).text()).toBe('body')
    await expect.poll(async () => (await serve(new Request(url))).headers.get('cache-status')).toContain('hit')
  })
})

async function leaseCount(db: Database): Promise<number> {
  const result = await db.execute(sql`select key from cache_leases where token is not null`)
  return (Array.isArray(result) ? result : (result as { rows: unknown[] }).rows).length
}

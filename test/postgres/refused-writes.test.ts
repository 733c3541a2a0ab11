/**
 * A database that answers reads and refuses writes: a standby, a role that is read-only by default, or a role with only
 * read rights.
 */
import { neon } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgTable } from 'drizzle-orm/pg-core'
import { drizzle as drizzleProxy } from 'drizzle-orm/pg-proxy'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import {
  type Cache,
  type CacheEvent,
  type CacheOptions,
  cached,
  createCache,
  type Database,
  memoryCache,
  shardedCache,
  tieredCache,
  withMetrics,
} from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { cacheQuery, queryCache } from 'pgstash/drizzle'
import { rateLimit, withResponseCache } from 'pgstash/fetch'
import { migrate } from 'pgstash/migrate'
import { type CacheTables, cacheTables } from 'pgstash/schema'
import postgres from 'postgres'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { startServer } from '../setup/server.ts'
import { type Standby, startStandby } from '../setup/standby.ts'
import '../setup/neon.ts'

const TABLES = { routines: cacheTables({ prefix: 'r_' }), 'inline statements': cacheTables({ prefix: 'i_' }) }
type Form = keyof typeof TABLES

const drivers: Record<string, (url: string) => Promise<Database>> = {
  'neon-http': async (database) => {
    const server = await startLocalNeon({ database })
    cleanup(() => server.close())
    return drizzleNeon({ client: neon(server.connectionString) })
  },
  'node-postgres': async (url) => drizzlePg({ client: createPool(url) }),
  'postgres-js': async (url) => {
    const client = postgres(url, { onnotice: () => {} })
    cleanup(() => client.end())
    return drizzlePostgres({ client })
  },
  'pg-proxy': async (url) => {
    const pool = createPool(url)
    return drizzleProxy(async (text, values, method) => {
      const query = { text, ...(values.length > 0 && { values }) }
      if (method === 'execute') return { rows: (await pool.query(query)).rows ?? [] }
      return { rows: (await pool.query({ ...query, rowMode: 'array' })).rows }
    })
  },
}

let primary: string
let standby: Standby
const writers = {} as Record<Form, Cache>

beforeAll(async () => {
  const server = await startServer()
  cleanup(server.stop)
  primary = await createDatabase(server.url)
  const db = drizzlePg({ client: createPool(primary) })
  for (const [form, tables] of Object.entries(TABLES) as [Form, CacheTables][]) {
    await migrate(db, { tables, routines: form === 'routines' })
    writers[form] = createCache(db, { tables })
  }
  await createPool(primary).query(`
    create table items (id int primary key); insert into items values (1);
    create role reader login password 'p'; grant select on all tables in schema public to reader;
    create role cautious login password 'p'; grant all on all tables in schema public to cautious;
    alter role cautious set default_transaction_read_only = on`)
  standby = await startStandby(server)
  cleanup(standby.stop)
})

const as = (role: string) => Object.assign(new URL(primary), { username: role, password: 'p' }).href
const atStandby = () => Object.assign(new URL(primary), { port: new URL(standby.url).port }).href

const refusing = {
  'a standby': { url: atStandby, sqlState: '25006', advice: 'connect to the primary' },
  'a role that is read-only by default': {
    url: () => as('cautious'),
    sqlState: '25006',
    advice: 'connect to the primary',
  },
  'a role that may only read': { url: () => as('reader'), sqlState: '42501', advice: 'pgstash doctor' },
}

describe.each(Object.entries(refusing))('%s', (_place, { url, sqlState, advice }) => {
  describe.each(Object.keys(TABLES) as Form[])('with %s', (form) => {
    const tables = TABLES[form]
    describe.each(Object.entries(drivers))('over %s', (_driver, connect) => {
      let db: Database
      let writer: Cache
      const events: CacheEvent[] = []
      const create = (options: CacheOptions = {}) =>
        createCache(db, {
          tables,
          timeout: 60_000,
          warn: false,
          onEvent: (event) => void (event.operation !== 'routines' && events.push(event)),
          ...options,
        })
      const types = () => events.map(({ type }) => type)
      const trips = () => events.reduce((sum, { roundTrips }) => sum + roundTrips, 0)

      beforeAll(async () => {
        db = await connect(url())
        writer = writers[form]
      })
      afterEach(() => void vi.restoreAllMocks())
      beforeEach(async () => {
        await writer.clear()
        await writer.set('live', 'value', { expiration: '1h', tags: ['tag'] })
        await writer.getOrSet('stale', () => 'old', { expiration: '1h', stale: '1h' })
        await writer.touch('stale', 0.001)
        await standby.catchUp()
        // This call finds out that routines are missing, or that the role may not call them.
        await create().getOrSet('live', () => 'computed')
        events.length = 0
      })

      it('answers all reads, and hits take one round trip', async () => {
        const cache = create()
        // A client remembers a refusal for five seconds.
        vi.spyOn(performance, 'now').mockReturnValue(performance.now())
        await cache.getOrSet('live', () => 'computed')
        await cache.get('live', { sliding: '2h' })
        events.length = 0
        const compute = () => expect.unreachable()
        expect(await cache.getOrSet('live', compute)).toBe('value')
        expect(await cache.getOrSet('live', compute, { expiration: '2h', sliding: true })).toBe('value')
        expect(await cache.getOrSet('live', compute, { beta: 1000 })).toBe('value')
        expect(await cached(compute, { cache, key: () => 'live' })()).toBe('value')
        expect(await cache.get('live')).toBe('value')
        expect(await cache.get('live', { sliding: '2h' })).toBe('value')
        expect(await cache.has('live')).toBe(true)
        expect(await cache.getMany(['live', 'missing'])).toEqual(new Map([['live', 'value']]))
        expect(await cache.expiration('live')).toBeInstanceOf(Date)
        expect(types().filter((type) => type !== 'hit' && type !== 'miss')).toEqual([])
        expect(events.every(({ roundTrips }) => roundTrips <= 1)).toBe(true)
      })

      it('serves a stale value to a caller that accepts it', async () => {
        const cache = create()
        for (let i = 0; i < 2; i++) {
          expect(await cache.getOrSet('stale', () => expect.unreachable(), { stale: '1h' })).toBe('old')
        }
        expect(types()).toEqual(['stale', 'stale'])
        await expect(cache.getOrSet('stale', () => 'new')).rejects.toMatchObject({ sqlState })
      })

      it('rejects a miss with advice, and computes it with onError miss', async () => {
        const strict = create()
        for (let i = 0; i < 2; i++) {
          await expect(strict.getOrSet('new', () => 'computed')).rejects.toMatchObject({
            code: 'DATABASE',
            sqlState,
            message: expect.stringContaining(advice),
          })
        }
        const soft = create({ onError: 'miss' })
        events.length = 0
        let computed = 0
        const values = await Promise.all(Array.from({ length: 5 }, () => soft.getOrSet('new', () => ++computed)))
        expect([values, computed]).toEqual([[1, 1, 1, 1, 1], 1])
        expect(types().filter((type) => !['hit', 'wait'].includes(type))).toEqual(['error', 'miss', 'refuse'])
        expect(await soft.has('new')).toBe(false)
      })

      it('tries to write to a read-only database only now and then, not for each miss', async () => {
        const cache = create({ onError: 'miss' })
        vi.spyOn(performance, 'now').mockReturnValue(performance.now())
        await cache.getOrSet('new', () => 'computed')
        events.length = 0
        for (let i = 0; i < 4; i++) await cache.getOrSet(`new ${i}`, () => 'computed')
        // Row-level security refuses with the same code as a missing right, so another row might be writable.
        expect(trips()).toBe(sqlState === '25006' ? 4 : 8)
      })

      it('drops soft writes, rejects writes that must not be lost, and keeps the circuit closed', async () => {
        const cache = create({ onError: 'miss' })
        for (let i = 0; i < 7; i++) {
          await cache.set('live', 'other')
          expect(await cache.touch('live', '2h')).toBe(false)
          await cache.getOrSet(`new ${i}`, () => 'computed')
          await expect(cache.increment('n')).rejects.toMatchObject({ code: 'DATABASE', sqlState })
          await expect(cache.limit('n', { limit: 1, period: 60 })).rejects.toMatchObject({ sqlState })
          await expect(cache.delete('live')).rejects.toMatchObject({ sqlState })
        }
        expect(events.filter((event) => event.type === 'error' && event.circuit !== undefined)).toEqual([])
        expect(await cache.get('live')).toBe('value')
        const strict = create()
        await expect(strict.set('live', 'other')).rejects.toMatchObject({ message: expect.stringContaining(advice) })
        await expect(strict.touch('live', '2h')).rejects.toMatchObject({ sqlState })
      })

      it('fills a first tier, works as a node of a sharded cache, and counts in metrics', async () => {
        const l2 = create()
        const tiers = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1m' })
        for (let i = 0; i < 3; i++) expect(await tiers.getOrSet('live', () => 'computed')).toBe('value')
        // The first call may try to claim before that.
        expect(trips()).toBeLessThanOrEqual(2)
        const changing = tieredCache({ l1: memoryCache(), l2: create(), l1Expiration: '1m', changes: true })
        expect(await changing.getOrSet('live', () => 'computed')).toBe('value')
        expect(await changing.get('live', { sliding: '2h' })).toBe('value')
        const sharded = shardedCache({ nodes: { only: create() }, onError: 'miss' } as never) as Cache
        expect(await sharded.getOrSet('live', () => 'computed')).toBe('value')
        expect(await sharded.getOrSet('new', () => 'computed')).toBe('computed')
        const metered = withMetrics(create({ onError: 'miss' }))
        await metered.getOrSet('live', () => 'computed')
        await metered.getOrSet('new', () => 'computed')
        expect(metered.metrics()).toMatchObject({ hits: 1, misses: 1 })
      })

      it('serves stored responses, and passes all others to the handler', async () => {
        let handled = 0
        const handler = () => {
          handled++
          const headers = { 'cache-control': 'max-age=60', vary: 'accept-language' }
          return new Response(`page ${handled}`, { headers })
        }
        const onPrimary = withResponseCache(handler, { cache: writer })
        const request = (path: string) => new Request(`https://shop.example/${path}`)
        await (await onPrimary(request('stored'))).text()
        await (await onPrimary(request('old'))).text()
        await createPool(primary).query(
          `update ${tables === TABLES.routines ? 'r_' : 'i_'}cache_entries set expires_at = now() - interval '1s',
              meta = jsonb_set(meta::jsonb, '{staleSince}', to_jsonb(extract(epoch from now()) * 1000 - 1000))::text
            where key like '%old%' and meta::jsonb ? 'status'`,
        )
        await standby.catchUp()
        const here = withResponseCache(handler, { cache: create() })
        for (let i = 0; i < 7; i++) {
          expect(await (await here(request('stored'))).text()).toBe('page 1')
          const missed = await here(request(`new ${i}`))
          expect(await missed.text()).toBe(`page ${handled}`)
          expect(missed.headers.get('cache-status')).toContain(`DATABASE ${sqlState}`)
        }
        const before = handled
        // Nobody holds the lease of an expired response, so no request waits for it.
        expect(await (await here(request('old'))).text()).toBe(`page ${before + 1}`)
        expect(events.filter((event) => event.type === 'error' && event.circuit !== undefined)).toEqual([])
      })

      it('never fails a query because of its cache, and allows calls that a limit cannot count', async () => {
        const items = pgTable('items', { id: integer('id').primaryKey() })
        const own = drizzlePg({ client: createPool(as('reader')) })
        const soft = create({ onError: 'miss' })
        for (let i = 0; i < 2; i++) {
          expect(await cacheQuery(soft, own.select().from(items))).toEqual([{ id: 1 }])
        }
        const caching = drizzlePg({ client: createPool(as('reader')), cache: queryCache(soft) })
        for (let i = 0; i < 2; i++) {
          expect(await caching.select().from(items).$withCache()).toEqual([{ id: 1 }])
        }
        const failures: unknown[] = []
        const limited = rateLimit(() => new Response('ok'), {
          cache: soft,
          limit: 1,
          period: '1m',
          key: () => 'client',
          onError: (error: unknown) => void failures.push(error),
        } as never) as (request: Request) => Promise<Response>
        for (let i = 0; i < 2; i++) {
          expect((await limited(new Request('https://shop.example/'))).status).toBe(200)
        }
        expect(failures).toMatchObject([{ sqlState }, { sqlState }])
      })
    })
  })
})

/** Rules that hold for a statement whether it is sent inline or called as a routine. */
import { inspect } from 'node:util'
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, CacheError, type CacheEvent, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { beforeEach, describe, expect, it } from 'vitest'
import { createLonelyDatabase, createPool } from '../../setup/databases.ts'
import { createNeon } from '../../setup/neon.ts'
import { createResponses } from '../responses.ts'
import { createSite, isCall, type Site } from './site.ts'

let site: Site
let cache: Cache
beforeEach(async () => {
  site = await createSite({})
  cache = site.create()
  await cache.set('plain', 'value', { expiration: '1h' })
  await cache.set('tagged', 'value', { expiration: '1h', tags: ['x'] })
  site.faults.reset()
})

const url = 'https://shop.example/page'
const hits: Record<string, (cache: Cache) => Promise<unknown>> = {
  get: (c) => c.get('plain'),
  'get of a tagged entry': (c) => c.get('tagged'),
  'a sliding get that is not due': (c) => c.get('plain', { sliding: '1m' }),
  'a sliding get of a tagged entry': (c) => c.get('tagged', { sliding: '1m' }),
  'a getOrSet hit': (c) => c.getOrSet('plain', () => 'computed'),
  'a getOrSet hit of a tagged entry': (c) => c.getOrSet('tagged', () => 'computed'),
  'a sliding getOrSet hit': (c) => c.getOrSet('plain', () => 'computed', { expiration: '1m', sliding: true }),
}

describe('operations through routines', () => {
  it('hits take no transaction id', async () => {
    // A separate server, because all databases of a server share transaction ids.
    const database = await createLonelyDatabase()
    const neon = await createNeon(database)
    await migrate(neon.db)
    const own = createCache(neon.db, { timeout: 60_000 })
    await own.set('plain', 'value', { expiration: '1h' })
    await own.set('tagged', 'value', { expiration: '1h', tags: ['x'] })
    const responses = createResponses(neon)
    await responses.put(url, 'body', { sliding: true } as object)
    const pool = createPool(database)
    const next = async () => (await pool.query('select pg_snapshot_xmax(pg_current_snapshot())::text as id')).rows[0].id
    const before = await next()
    neon.faults.reset()
    for (const hit of Object.values(hits)) expect(await hit(own)).toBe('value')
    expect((await responses.read(url, { claims: true })).entry?.state).toBe('live')
    expect(neon.faults.log.every(({ sql }) => isCall(sql[0] ?? ''))).toBe(true)
    expect(await next()).toBe(before)
    await own.get('plain', { sliding: '2h' })
    expect(await next()).not.toBe(before)
  })

  it.each(Object.entries(hits))('%s works in a read-only session', async (_name, hit) => {
    const options = '-c default_transaction_read_only=on'
    const trips: number[] = []
    const readOnly = createCache(drizzle(createPool(site.url, { options })), {
      tables: site.tables,
      preparedNames: false,
      onEvent: ({ roundTrips }) => trips.push(roundTrips),
    })
    expect(await hit(readOnly)).toBe('value')
    expect(trips).toEqual([1])
  })

  it('a response hit works in a read-only session', async () => {
    await createResponses(site, { tables: site.tables }).put(url, 'body')
    await site.pool.query(
      `do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$`,
    )
    const neon = await createNeon(site.url)
    const { read } = createResponses(neon, { tables: site.tables })
    expect((await read(url, { claims: true })).entry?.state).toBe('live')
  })

  it('errors show no value, key, tag or parameter, and none of the lines that Postgres adds', async () => {
    const errors: unknown[] = []
    const onEvent = (event: CacheEvent) => {
      if (event.type === 'error') errors.push(event.error)
    }
    const watched = site.create({ onEvent })
    const bad = site.create({ onEvent, codec: { encode: () => 'a\0secret-value', decode: () => 1 } })
    // getOrSet returns a value that it cannot store.
    const fail = (work: Promise<unknown>) => work.catch((error: unknown) => errors.push(error))
    await fail(bad.set('secret-key', 'value'))
    // No row of the cache passes this check. The server's error names the row, and its context names the statement.
    await site.pool.query("alter table cache_entries add constraint strict check (value not like '%secret%')")
    await fail(watched.set('secret-key', 'secret-value', { tags: ['secret-tag'] }))
    await fail(watched.setMany({ 'secret-key': 'secret-value', 'secret-other': 1 }))
    await fail(watched.getOrSet('secret-key', () => 'secret-value', { tags: ['secret-tag'] }))
    await site.pool.query(
      'alter table cache_entries drop constraint strict; alter table cache_entries drop column compute_ms',
    )
    await fail(watched.getOrSet('secret-key', () => 'secret-value'))
    await fail(watched.increment('secret-key'))
    await site.pool.query('alter table cache_entries rename to gone')
    await fail(watched.get('secret-key'))
    expect(errors.length).toBeGreaterThanOrEqual(7)
    for (const error of errors) {
      expect(error).toBeInstanceOf(CacheError)
      const shown = inspect(error, { depth: 10, showHidden: true }) + (error as Error).stack + JSON.stringify(error)
      expect(shown).not.toMatch(/secret|PL\/pgSQL|SQL statement|\$1|insert into|select /i)
    }
    expect(site.calls().every(Boolean)).toBe(true)
  })

  it('errors keep their SQLSTATE', async () => {
    await site.pool.query('alter table cache_entries add constraint strict check (value <> \'"bad"\')')
    await expect(cache.set('key', 'bad')).rejects.toMatchObject({ sqlState: '23514' })
    await site.pool.query('alter table cache_entries rename to gone')
    await expect(cache.get('key')).rejects.toMatchObject({
      sqlState: '42P01',
      message: expect.stringContaining('pgstash migrate'),
    })
    expect(site.calls().every(Boolean)).toBe(true)
  })

  it('twenty clients at once count, add and fill exactly once', async () => {
    const clients = Array.from({ length: 20 }, () => site.create())
    const sums = await Promise.all(clients.map((client) => client.increment('counter')))
    expect(sums.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1))
    const added = await Promise.all(clients.map((client) => client.add('new', 1)))
    expect(added.filter(Boolean).length).toBe(1)
    const calls = await Promise.all(clients.map((client) => client.limit('limited', { limit: 5, period: '1h' })))
    expect(calls.filter(({ allowed }) => allowed).length).toBe(5)
    let computed = 0
    const values = await Promise.all(clients.map((client) => client.getOrSet('filled', async () => ++computed)))
    expect(new Set(values)).toEqual(new Set([1]))
    expect(site.calls().every(Boolean)).toBe(true)
  })
})

/** A refused statement does not affect other statements, unless the server cannot answer at all. */
import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import type { Pool } from 'pg'
import { type CacheEvent, type CacheOptions, createCache, memoryCache, tieredCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'
import { migrate } from 'pgstash/migrate'
import { type CacheTables, cacheTables } from 'pgstash/schema'
import type { Fault } from 'pgstash/testing'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { createNeon } from '../setup/neon.ts'
import { startServer } from '../setup/server.ts'
import { startStandby } from '../setup/standby.ts'

const sqlError = (code: string): Fault => ({
  kind: 'error',
  status: 400,
  body: { message: 'secret', code, severity: 'ERROR' },
})
const status = (code: number): Fault => ({ kind: 'error', status: code, body: 'secret page' })
const openings = (events: readonly CacheEvent[]) =>
  events.filter((event) => event.type === 'error' && event.circuit === 'opened').length

/** Moves the clock of this process forward. */
function passTime(ms: number): void {
  const before = performance.now.bind(performance)
  vi.spyOn(performance, 'now').mockImplementation(() => before() + ms)
}
afterEach(() => void vi.restoreAllMocks())

describe('the circuit breaker', () => {
  let neon: Awaited<ReturnType<typeof createNeon>>
  beforeAll(async () => {
    neon = await createNeon(await createDatabase())
    await migrate(neon.db)
  })
  const events: CacheEvent[] = []
  const create = async () => {
    neon.faults.heal()
    const cache = createCache(neon.db, {
      onError: 'miss',
      timeout: 60_000,
      onEvent: (event) => void events.push(event),
    })
    await cache.set('key', 'value')
    events.length = 0
    return cache
  }

  it.each([
    ...['0A000', '21000', '22003', '22P05', '23505', '23514', '25006', '25P02', '26000', '27000', '38000'],
    ...['42501', '42703', '42883', '42P01', '44000', '53100', '53400', '54000', '55000', '55P03', 'P0001', 'XX001'],
  ])('stays closed if the server answers with %s', async (code) => {
    const cache = await create()
    neon.faults.always(sqlError(code))
    for (let i = 0; i < 7; i++) await cache.set('key', i)
    neon.faults.heal()
    expect(openings(events)).toBe(0)
    expect(await cache.get('key')).toBe('value')
  })

  it.each([
    ...['08000', '08006', '08P01', '28000', '28P01', '3D000', '53000', '53200', '53300', '57014', '57P01'],
    ...['57P02', '57P03', '57P04', '57P05', '58030', 'XX000'],
  ])('opens after five answers of %s', async (code) => {
    const cache = await create()
    neon.faults.always(sqlError(code))
    vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    for (let i = 0; i < 7; i++) await cache.set('key', i)
    expect(openings(events)).toBe(1)
    neon.faults.heal()
    expect(await cache.get('key')).toBeUndefined()
    expect(events.at(-2)).toMatchObject({ type: 'error', error: { code: 'CIRCUIT_OPEN' } })
  })

  it.each([401, 402, 403, 404, 429, 500, 502, 503, 504])('opens after five answers with status %i', async (code) => {
    const cache = await create()
    neon.faults.always(status(code))
    vi.spyOn(performance, 'now').mockReturnValue(performance.now())
    for (let i = 0; i < 7; i++) await cache.set('key', i)
    expect(openings(events)).toBe(1)
  })

  it.each([413, 507])('stays closed if a request or an answer is too large (%i)', async (code) => {
    const cache = await create()
    neon.faults.always(status(code))
    for (let i = 0; i < 7; i++) await cache.set('key', i)
    expect(openings(events)).toBe(0)
  })

  it('resets its count if a refusal between failures shows that the server answers', async () => {
    const cache = await create()
    for (let i = 0; i < 7; i++) {
      neon.faults.next({ kind: 'reset' })
      await cache.set('key', i)
      neon.faults.next(sqlError('23514'))
      await cache.set('key', i)
    }
    expect(openings(events)).toBe(0)
  })

  it('closes if the probe after a pause is refused by the server', async () => {
    const cache = await create()
    neon.faults.always(status(503))
    for (let i = 0; i < 7; i++) await cache.set('key', i)
    neon.faults.heal()
    passTime(2_000)
    neon.faults.next(sqlError('42501'))
    await cache.set('key', 'refused')
    expect(await cache.get('key')).toBe('value')
  })
})

const FORMS: [string, CacheTables, boolean][] = [
  ['routines', cacheTables({ prefix: 'r_' }), true],
  ['inline statements', cacheTables({ prefix: 'i_' }), false],
]

describe.each(FORMS)('with %s', (_form, tables, routines) => {
  const prefix = routines ? 'r_' : 'i_'
  let url: string
  let pool: Pool
  beforeAll(async () => {
    url = await createDatabase()
    pool = createPool(url)
    await migrate(drizzlePg({ client: pool }), { tables, routines })
  })
  const create = (options: CacheOptions = {}, at = url) =>
    createCache(drizzlePg({ client: createPool(at) }), { tables, timeout: 60_000, warn: false, ...options })

  it.each([
    ['P0001', 'statement'],
    ['23514', 'statement'],
    ['53100', 'statement'],
    ['P0001', 'row'],
  ])('a trigger that raises %s for each %s costs no hit', async (code, level) => {
    const events: CacheEvent[] = []
    const cache = create({ onError: 'miss', onEvent: (event) => void events.push(event) })
    await cache.set('key', 'value', { expiration: '1h' })
    const page = withResponseCache(() => new Response('page', { headers: { 'cache-control': 'max-age=60' } }), {
      cache,
    })
    const visit = async () => {
      const response = await page(new Request(`https://shop.example/${code}${level}`))
      await response.text()
      return response.headers.get('cache-status')
    }
    await visit()
    const target = ['entries', 'leases'].map((table) => `${prefix}cache_${table}`)
    await pool.query(`create or replace function refuse() returns trigger language plpgsql as
      $$ begin raise exception 'no' using errcode = '${code}'; end $$;
      ${target.map((table) => `create trigger refuse before insert or update on ${table} for each ${level} execute function refuse();`).join('')}`)
    try {
      for (let i = 0; i < 7; i++) {
        expect(await cache.getOrSet('key', () => 'computed')).toBe('value')
        expect(await cache.get('key', { sliding: '2h' })).toBe('value')
        expect(await cache.getOrSet('key', () => 'computed', { sliding: true, expiration: '2h' })).toBe('value')
        expect(await cache.getOrSet('missing', () => 'computed')).toBe('computed')
        await cache.set('key', 'other')
        expect(await visit()).toContain('hit')
      }
      expect(openings(events)).toBe(0)
      const missing = create().getOrSet('missing', () => 'computed')
      // A full disk prevents only the lease.
      if (code === '53100') expect(await missing).toBe('computed')
      else await expect(missing).rejects.toMatchObject({ sqlState: code })
    } finally {
      for (const table of target) await pool.query(`drop trigger refuse on ${table}`)
    }
  })

  it('a value that the database refuses to store makes no caller wait', async () => {
    await pool.query(`alter table ${prefix}cache_entries add constraint strict check (value not like '%refused%')`)
    const held = async () =>
      (await pool.query(`select from ${prefix}cache_leases where token <> 'pass' and expires_at > now()`)).rowCount
    try {
      const events: CacheEvent[] = []
      for (let i = 0; i < 2; i++) {
        const cache = create({ onEvent: (event) => void events.push(event) })
        expect(await cache.getOrSet('key of the refused', () => 'refused', { lease: '1h' })).toBe('refused')
        expect(await held()).toBe(0)
        const headers = { 'cache-control': 'max-age=60' }
        const page = withResponseCache(() => new Response('refused', { headers }), { cache, lease: '1h' })
        expect(await (await page(new Request('https://shop.example/refused'))).text()).toBe('refused')
        await expect.poll(held).toBe(0)
      }
      expect(events.filter(({ type }) => type === 'wait')).toEqual([])
    } finally {
      await pool.query(`alter table ${prefix}cache_entries drop constraint strict`)
    }
  })

  it('a key that row-level security refuses does not keep other keys from being stored', async () => {
    await pool.query(`
      drop role if exists ${prefix}tenant; create role ${prefix}tenant login password 'p';
      grant all on all tables in schema public to ${prefix}tenant;
      alter table ${prefix}cache_leases enable row level security;
      create policy own on ${prefix}cache_leases using (true) with check (key not like '%denied%')`)
    cleanup(async () => pool.query(`drop owned by ${prefix}tenant; drop role ${prefix}tenant`))
    const tenant = Object.assign(new URL(url), { username: `${prefix}tenant`, password: 'p' }).href
    const cache = create({ onError: 'miss' }, tenant)
    for (let i = 0; i < 3; i++) {
      expect(await cache.getOrSet('denied', () => i)).toBe(i)
      expect(await cache.getOrSet(`allowed ${i}`, () => 'stored')).toBe('stored')
      expect(await create().get(`allowed ${i}`)).toBe('stored')
    }
  })
})

describe('a standby that is promoted', () => {
  it.each(FORMS)('fills and slides again with %s, over its old connections', async (_form, tables, routines) => {
    const server = await startServer()
    cleanup(server.stop)
    const writable = drizzlePg({ client: createPool(server.url) })
    await migrate(writable, { tables, routines })
    await createCache(writable, { tables }).set('live', 'value', { expiration: '1h' })
    const standby = await startStandby(server)
    cleanup(standby.stop)
    await standby.catchUp()
    const cache = createCache(drizzlePg({ client: createPool(standby.url, { max: 1 }) }), { tables, onError: 'miss' })
    const tiers = tieredCache({ l1: memoryCache(), l2: cache, l1Expiration: '1m' })
    const deadline = await cache.expiration('live')
    expect(await cache.get('live', { sliding: '2h' })).toBe('value')
    expect(await tiers.getOrSet('new', () => 'first')).toBe('first')
    expect(await cache.has('new')).toBe(false)
    await standby.promote()
    passTime(6_000)
    expect(await tiers.getOrSet('new', () => 'second')).toBe('second')
    expect(await cache.get('new')).toBe('second')
    expect(await cache.get('live', { sliding: '2h' })).toBe('value')
    expect(Number(await cache.expiration('live'))).toBeGreaterThan(Number(deadline))
  })
})

it('a read-only PGlite answers hits', async () => {
  const client = new PGlite()
  cleanup(() => client.close())
  const db = drizzlePglite({ client })
  await migrate(db)
  const cache = createCache(db, { onError: 'miss', warn: false })
  await cache.set('live', 'value', { expiration: '1h' })
  await client.query('set default_transaction_read_only = on')
  expect(await cache.getOrSet('live', () => 'computed')).toBe('value')
  expect(await cache.get('live', { sliding: '2h' })).toBe('value')
  expect(await cache.getOrSet('new', () => 'computed')).toBe('computed')
  await client.query('set default_transaction_read_only = off')
  passTime(6_000)
  expect(await cache.getOrSet('new', () => 'stored')).toBe('stored')
  expect(await cache.get('new')).toBe('stored')
})

/** Settings that a session, a role or a database may have. */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { type Cache, createCache, memoryCache, tieredCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { CALLS, type Call, prepare } from './calls.ts'

let url: string
let writer: Cache

beforeAll(async () => {
  url = await createDatabase()
  const db = drizzle({ client: createPool(url) })
  await migrate(db)
  writer = createCache(db)
})
afterEach(() => void vi.restoreAllMocks())
beforeEach(async () => {
  await writer.clear()
  await prepare(writer)
})

/** A pool whose sessions start with these settings. */
function sessions(settings: Record<string, string>, database = url) {
  const options = Object.entries(settings).map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
  return drizzle({ client: createPool(database, { options: options.join(' ') }) })
}

async function expectRight(cache: Cache, calls: Readonly<Record<string, Call>> = CALLS): Promise<void> {
  const wrong: string[] = []
  for (const [name, { run, isRight }] of Object.entries(calls)) {
    const answer = await run(cache, `unique ${name}`)
    if (!isRight(answer)) wrong.push(`${name}: ${JSON.stringify(answer)}`)
  }
  expect(wrong).toEqual([])
}

describe('every operation answers correctly in a session with', () => {
  const settings: Record<string, string>[] = [
    { extra_float_digits: '0' },
    { extra_float_digits: '-15' },
    { extra_float_digits: '3' },
    { array_nulls: 'off' },
    { bytea_output: 'escape' },
    { DateStyle: 'SQL, DMY' },
    { DateStyle: 'German' },
    { IntervalStyle: 'sql_standard' },
    { IntervalStyle: 'iso_8601' },
    { TimeZone: 'Asia/Kathmandu' },
    { standard_conforming_strings: 'off', escape_string_warning: 'off' },
    { default_transaction_isolation: 'serializable' },
    { default_transaction_isolation: 'repeatable read' },
    { client_encoding: 'LATIN1' },
    { client_encoding: 'SQL_ASCII' },
    { row_security: 'off' },
    { quote_all_identifiers: 'on' },
    { xmlbinary: 'hex', xmloption: 'document' },
    { transform_null_equals: 'on' },
    { plan_cache_mode: 'force_generic_plan' },
    { statement_timeout: '60000', lock_timeout: '60000', idle_in_transaction_session_timeout: '60000' },
  ]
  it.each(settings.map((setting) => [JSON.stringify(setting), setting] as const))('%s', async (_name, setting) => {
    await expectRight(createCache(sessions(setting)))
  })

  it('a search_path without public, if the tables have a schema', async () => {
    await createPool(url).query('create schema if not exists elsewhere')
    const tables = cacheTables({ schema: 'elsewhere' })
    const db = sessions({ search_path: 'pg_temp' })
    await migrate(db, { tables })
    const cache = createCache(db, { tables })
    await prepare(cache)
    await expectRight(cache)
  })
})

it('a search_path without the tables is refused with advice', async () => {
  const cache = createCache(sessions({ search_path: 'pg_temp' }))
  await expect(cache.get('object')).rejects.toMatchObject({ code: 'DATABASE', sqlState: '42P01' })
})

it('list tells a namespace from nested ones with standard_conforming_strings off', async () => {
  const cache = createCache(sessions({ standard_conforming_strings: 'off', escape_string_warning: 'off' }))
  await cache.namespace('a').setMany({ 'b direct': 1, 'b with\\backslash': 1, 'b with|bar': 1 })
  await cache.namespace('a').namespace('b').set('nested', 1)
  const { entries } = await cache.namespace('a').list({ prefix: 'b' })
  expect(entries.map(({ key }) => key).sort()).toEqual(['b direct', 'b with\\backslash', 'b with|bar'])
})

it('a statement that hits statement_timeout or lock_timeout fails, and counts as a miss with onError: miss', async () => {
  const locker = new pg.Client(url)
  await locker.connect()
  cleanup(() => locker.end())
  await locker.query('begin; lock table cache_entries in access exclusive mode')
  for (const [setting, sqlState] of [
    ['statement_timeout', '57014'],
    ['lock_timeout', '55P03'],
  ] as const) {
    const db = sessions({ [setting]: '50' })
    await expect(createCache(db).get('object')).rejects.toMatchObject({ code: 'DATABASE', sqlState })
    expect(await createCache(db, { onError: 'miss' }).get('object')).toBeUndefined()
  }
  await locker.query('rollback')
})

describe('a database that refuses writes', () => {
  const refusing: Record<string, () => Promise<ReturnType<typeof sessions>>> = {
    default_transaction_read_only: async () => sessions({ default_transaction_read_only: 'on' }),
    'a role that may only read': async () => {
      const role = `reader_${crypto.randomUUID().replaceAll('-', '')}`
      const pool = createPool(url)
      await pool.query(`create role ${role} login password 'reader'`)
      await pool.query(`grant select on all tables in schema public to ${role}`)
      cleanup(() => pool.query(`drop owned by ${role}; drop role ${role}`))
      const asReader = new URL(url)
      asReader.username = role
      asReader.password = 'reader'
      return sessions({}, asReader.href)
    },
  }
  for (const [name, connect] of Object.entries(refusing)) {
    describe(name, () => {
      it('answers sliding reads, in one round trip once it is known to be read-only', async () => {
        const trips: number[] = []
        const cache = createCache(await connect(), { onEvent: ({ roundTrips }) => trips.push(Number(roundTrips)) })
        await writer.set('due', 'v', { expiration: 60 })
        // A client remembers a refusal for five seconds.
        vi.spyOn(performance, 'now').mockReturnValue(performance.now())
        for (let i = 0; i < 3; i++) expect(await cache.get('due', { sliding: 3600 })).toBe('v')
        expect(await cache.get('missing', { sliding: 3600 })).toBeUndefined()
        // The first refusal of a role may be about the routine, so the statement is also sent inline.
        expect(trips).toEqual([name === 'a role that may only read' ? 3 : 2, 1, 1, 1])
      })

      it('answers sliding reads through a first tier', async () => {
        const l2 = createCache(await connect())
        await writer.set('due', 'v', { expiration: 60 })
        const cache = tieredCache({ l1: memoryCache(), l2, l1Expiration: '1s' })
        expect(await cache.get('due', { sliding: 3600 })).toBe('v')
      })

      it('answers hits of getOrSet, and reports the refusal if it would compute', async () => {
        const cache = createCache(await connect())
        for (let i = 0; i < 2; i++) {
          expect(await cache.getOrSet('object', () => 'computed')).toEqual({ a: 1 })
          expect(await cache.getOrSet('object', () => 'computed', { sliding: true, expiration: 60 })).toEqual({ a: 1 })
          await expect(cache.getOrSet('new', () => 'computed')).rejects.toMatchObject({ code: 'DATABASE' })
        }
        const soft = createCache(await connect(), { onError: 'miss' })
        expect(await soft.getOrSet('new', () => 'computed')).toBe('computed')
      })

      it('rejects counters and limits', async () => {
        const cache = createCache(await connect(), { onError: 'miss' })
        await expect(cache.increment('n')).rejects.toMatchObject({ code: 'DATABASE' })
        await expect(cache.limit('n', { limit: 1, period: 60 })).rejects.toMatchObject({ code: 'DATABASE' })
      })
    })
  }

  it('answers a sliding read in a read-only transaction of the caller, and does not abort it', async () => {
    await writer.set('due', 'v', { expiration: 60 })
    await drizzle({ client: createPool(url) }).transaction(
      async (tx) => {
        const cache = createCache(tx)
        expect(await cache.get('due', { sliding: 3600 })).toBe('v')
        expect(await cache.getOrSet('due', () => 'computed', { sliding: true, expiration: 3600 })).toBe('v')
        expect(await tieredCache({ l1: memoryCache(), l2: cache }).get('due', { sliding: 3600 })).toBe('v')
        expect((await tx.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }])
      },
      { accessMode: 'read only' },
    )
  })

  it('extends the deadline by a sliding read in a transaction that may write', async () => {
    await writer.set('due', 'v', { expiration: 60 })
    await drizzle({ client: createPool(url) }).transaction(async (tx) => {
      expect(await createCache(tx).get('due', { sliding: 3600 })).toBe('v')
    })
    const expiresAt = await writer.expiration('due')
    expect(Number(expiresAt)).toBeGreaterThan(Date.now() + 1_800_000)
  })
})

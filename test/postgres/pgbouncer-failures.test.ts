/** How the cache handles a PgBouncer that lacks servers, sessions or room for clients. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import { type CacheEvent, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { databaseFailure } from '../../src/postgres/failure.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { pgbouncerPath, startPgBouncer } from '../setup/pgbouncer.ts'
import { startTcpRelay } from '../setup/tcp-relay.ts'

/**
 * postgres-js waits for the end of an answer. A fatal error has no end, so it reports only that the connection closed.
 */
const LOST_BY_POSTGRES_JS = { sqlState: undefined, sent: true, message: expect.stringContaining('was lost') }
const PATIENT = { timeout: 60_000, warn: false } as const

let url: string
let admin: pg.Pool

beforeAll(async () => {
  url = await createDatabase()
  admin = createPool(url)
  await migrate(drizzle(admin))
})

const drivers: Record<string, (to: string, options?: postgres.Options<Record<string, never>>) => Database> = {
  pg: (to) => drizzle(createPool(to, { max: 2 })),
  'postgres-js': (to, options) => {
    const client = postgres(to, { max: 2, fetch_types: false, ...options })
    cleanup(() => client.end({ timeout: 1 }))
    return drizzlePostgres({ client })
  },
}

/** Takes the only session of a pooler. Returns a function that releases it. */
async function holdSession(bouncer: string): Promise<() => Promise<unknown>> {
  const holder = await createPool(bouncer, { max: 1 }).connect()
  await holder.query('begin')
  return async () => {
    await holder.query('commit')
    holder.release()
  }
}

const waiting = async () =>
  expect(
    (await admin.query(`select from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`))
      .rowCount,
  ).toBe(1)

describe.skipIf(pgbouncerPath === undefined).each(Object.entries(drivers))('over %s', (name, connect) => {
  it('serves every operation in statement mode', async () => {
    const bouncer = await startPgBouncer(url, 2, ['pool_mode = statement'])
    await migrate(connect(bouncer))
    const cache = createCache(connect(bouncer), PATIENT)
    await cache.clear()
    for (let round = 0; round < 3; round++) {
      await cache.setMany({ a: 1, b: 2 }, { tags: ['tag'] })
      expect(await cache.getMany(['a', 'b'])).toEqual(new Map([['a', 1], ['b', 2]])) // biome-ignore format: a row
      expect(await cache.getOrSet('c', () => 3)).toBe(3)
      expect(await cache.increment('counter')).toBe(round + 1)
      await cache.invalidate('tag')
      expect(await cache.get('a')).toBe(undefined)
    }
    expect(await cache.clearExpired()).toMatchObject({ more: false })
  })

  it('gives a reason if no session took a statement in time, provided the driver passes one on', async () => {
    const bouncer = await startPgBouncer(url, 1, ['query_wait_timeout = 8'])
    const cache = createCache(connect(bouncer), PATIENT)
    await cache.set('key', 'old')
    const release = await holdSession(bouncer)
    await expect(cache.set('key', 'new')).rejects.toMatchObject(
      name === 'pg'
        ? { sqlState: '08P01', sent: false, message: expect.stringContaining('query_wait_timeout') }
        : LOST_BY_POSTGRES_JS,
    )
    await release()
    expect(await cache.get('key')).toBe('old')
  })

  it('repeats reads after a lost server, but no write that may have run', async () => {
    const relay = await startTcpRelay(url)
    const bouncer = await startPgBouncer(relay.url, 1)
    const cache = createCache(connect(bouncer), PATIENT)
    await cache.setMany({ read: 'value', counter: 0 })
    const locker = await admin.connect()
    for (const call of [() => cache.increment('counter'), () => cache.get('read')]) {
      await locker.query('begin; lock table cache_entries in access exclusive mode')
      const calling = Promise.allSettled([call()])
      await eventually(waiting)
      relay.cutConnections()
      await locker.query(`select pg_terminate_backend(pid, 60000) from pg_stat_activity
        where wait_event_type = 'Lock' and datname = current_database()`)
      await locker.query('commit')
      const [answer] = await calling
      if (answer?.status === 'fulfilled') expect(answer.value).toBe('value')
      else {
        expect(answer?.reason).toMatchObject(
          name === 'pg'
            ? { sqlState: '08P01', sent: true, message: expect.stringContaining('lost its connection') }
            : LOST_BY_POSTGRES_JS,
        )
      }
      expect(await cache.get('counter')).toBe(0)
    }
    locker.release()
    expect(await cache.get('read')).toBe('value')
  })

  it('reports sent: false for a client that the pooler has no room for', async () => {
    const bouncer = await startPgBouncer(url, 1, ['max_client_conn = 1'])
    const first = new pg.Client(bouncer)
    await first.connect()
    cleanup(() => first.end())
    await expect(createCache(connect(bouncer), PATIENT).set('key', 1)).rejects.toMatchObject({
      sqlState: '08P01',
      sent: false,
      message: expect.stringContaining('max_client_conn'),
    })
  })
})

describe.skipIf(pgbouncerPath === undefined)('a write that got no session in time', () => {
  it('is repeated over pg, because nothing ran', async () => {
    const bouncer = await startPgBouncer(url, 1, ['query_wait_timeout = 8'])
    const pool = createPool(bouncer, { max: 1 })
    const roundTrips: number[] = []
    const onEvent = (event: CacheEvent) => 'roundTrips' in event && roundTrips.push(Number(event.roundTrips))
    const cache = createCache(drizzle(pool), { ...PATIENT, onEvent, preparedNames: false })
    await cache.clear()
    expect(await cache.increment('counter')).toBe(1)
    const release = await holdSession(bouncer)
    // This is after the first refusal.
    pool.once('remove', () => void release())
    expect(await cache.increment('counter')).toBe(2)
    expect(roundTrips.slice(-2)).toEqual([1, 2])
  })
})

describe.skipIf(pgbouncerPath === undefined)('advice of an error', () => {
  it('names statement mode if a program begins a transaction', async () => {
    const bouncer = await startPgBouncer(url, 1, ['pool_mode = statement'])
    const refused = await createPool(bouncer).query('begin').catch(databaseFailure)
    expect(refused).toMatchObject({ message: expect.stringContaining('statement mode') })
  })

  it('tells postgres-js to prepare nothing, which is then enough', async () => {
    const bouncer = await startPgBouncer(url, 1)
    const endSessions = () =>
      admin.query(`select pg_terminate_backend(pid, 60000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`)
    const use = async (client: postgres.Sql) => {
      const db = drizzlePostgres({ client })
      const inside = () => db.transaction((tx) => createCache(tx, PATIENT).set('key', 1))
      await inside()
      await endSessions()
      return inside()
    }
    const [naming, nameless] = [true, false].map((prepare) => {
      const client = postgres(bouncer, { max: 1, fetch_types: false, prepare })
      cleanup(() => client.end({ timeout: 1 }))
      return client
    }) as [postgres.Sql, postgres.Sql]
    await expect(use(naming)).rejects.toMatchObject({
      sqlState: '26000',
      message: expect.stringContaining('`prepare: false` to postgres()'),
    })
    await use(nameless)
  })
})

/** A pooler gives each transaction another session, so it loses the names of prepared statements. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { type Cache, type CacheEvent, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { pgbouncerPath, startPgBouncer } from '../setup/pgbouncer.ts'

if (pgbouncerPath === undefined)
  console.warn('Skipped: this machine has no pgbouncer. On Debian: apt-get install pgbouncer')

describe.skipIf(pgbouncerPath === undefined)('through PgBouncer 1.18 with transaction pooling', () => {
  let database: string
  let bouncer: string

  beforeAll(async () => {
    database = await createDatabase()
    bouncer = await startPgBouncer(database, 1)
    await migrate(drizzle(createPool(bouncer, { max: 1 })))
  })
  beforeEach(() => endSessions())

  const connect = (options: object = {}) => {
    const db = drizzle(createPool(bouncer, { max: 1 }))
    return { db, cache: createCache(db, { timeout: 60_000, ...options }) }
  }
  /** The pooler's sessions end; its clients do not notice. */
  const endSessions = () =>
    createPool(database, { max: 1 }).query(
      `select pg_terminate_backend(pid, 60000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'`,
    )
  const names = async () =>
    (await createPool(bouncer, { max: 1 }).query('select name from pg_prepared_statements')).rows

  async function use(cache: Cache, key: string): Promise<unknown[]> {
    await cache.set(key, 'value')
    return [await cache.get(key), await cache.getOrSet(`${key}:set`, () => 1), await cache.delete(key)]
  }

  it('retries without names if another client has prepared the same statements', async () => {
    const [one, other] = [connect().cache, connect().cache]
    expect(await use(one, 'one')).toEqual(['value', 1, true])
    expect(await names()).not.toEqual([])
    expect(await use(other, 'other')).toEqual(['value', 1, true])
    expect(await use(one, 'again')).toEqual(['value', 1, true])
  })

  it('retries without names if the session that had them is gone, and counts once', async () => {
    const { cache } = connect()
    expect(await cache.increment('counter')).toBe(1)
    await endSessions()
    expect(await cache.increment('counter')).toBe(2)
    expect(await cache.increment('counter')).toBe(3)
    expect(await names()).toEqual([])
  })

  it('loses a name once for each cache, and no round trip after that', async () => {
    const roundTrips: number[] = []
    const onEvent = (event: CacheEvent) => 'roundTrips' in event && roundTrips.push(Number(event.roundTrips))
    const { cache } = connect({ onEvent })
    await cache.get('key')
    await endSessions()
    for (let i = 0; i < 3; i++) await cache.get('key')
    expect(roundTrips).toEqual([1, 2, 1, 1])
  })

  it('gives advice inside a transaction, which the failure has aborted', async () => {
    const useInside = (key: string) => connect().db.transaction(async (tx) => use(createCache(tx), key))
    await useInside('first')
    const failing = useInside('second')
    await expect(failing).rejects.toMatchObject({
      sqlState: '42P05',
      message: expect.stringContaining('preparedNames: false'),
    })
  })

  it('works inside a transaction with preparedNames: false', async () => {
    const { db } = connect()
    await db.transaction(async (tx) => use(createCache(tx), 'first'))
    const used = await db.transaction(async (tx) => use(createCache(tx, { preparedNames: false }), 'second'))
    expect(used).toEqual(['value', 1, true])
  })

  it('prepares nothing with preparedNames: false', async () => {
    const { cache } = connect({ preparedNames: false })
    expect(await use(cache, 'unnamed')).toEqual(['value', 1, true])
    expect(await names()).toEqual([])
  })

  it('serves many clients at the same time that started with names', async () => {
    const wide = await startPgBouncer(database, 3)
    const caches = Array.from({ length: 8 }, () =>
      createCache(drizzle(createPool(wide, { max: 1 })), { timeout: 60_000 }),
    )
    const used = caches.flatMap((cache, i) => [0, 1, 2].map((round) => use(cache, `${i} ${round}`)))
    expect(await Promise.all(used)).toEqual(used.map(() => ['value', 1, true]))
  })

  it('serves postgres-js', async () => {
    const clients = [1, 2].map(() => postgres(bouncer, { max: 1, fetch_types: false }))
    cleanup(() => Promise.all(clients.map((client) => client.end())))
    const used = clients.map((client, i) => use(createCache(drizzlePostgres({ client })), `postgres ${i}`))
    expect(await Promise.all(used)).toEqual(used.map(() => ['value', 1, true]))
  })

  it('serves many connections of postgres-js without names', async () => {
    const client = postgres(bouncer, { max: 6, fetch_types: false })
    cleanup(() => client.end())
    const cache = createCache(drizzlePostgres({ client }), { preparedNames: false, timeout: 60_000 })
    const calls = Array.from({ length: 60 }, async (_, i) => {
      await cache.set(`many ${i}`, i)
      return [await cache.increment(`many ${i}`), await cache.has(`many ${i}`), await cache.getMany([`many ${i}`])]
    })
    expect(await Promise.all(calls)).toEqual(calls.map((_, i) => [i + 1, true, new Map([[`many ${i}`, i + 1]])]))
  })
})

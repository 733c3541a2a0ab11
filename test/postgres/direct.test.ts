/** Statements go directly to the driver's client, not through Drizzle's session. */
import type { Logger } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'

let url: string

beforeAll(async () => {
  url = await createDatabase()
  await migrate(drizzle(createPool(url)))
})

describe('timers of a cache', () => {
  /** Counts the timers that `work` starts. The pool starts one for each client that becomes idle. */
  async function timersOf(work: () => Promise<unknown>): Promise<number> {
    const spy = vi.spyOn(globalThis, 'setTimeout')
    onTestFinished(() => spy.mockRestore())
    await work()
    const made = spy.mock.calls.length
    spy.mockRestore()
    return made
  }
  const pending = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

  it('starts one timer for a get, and two for any number of gets of one tick', async () => {
    const cache = createCache(drizzle(createPool(url, { idleTimeoutMillis: 0 })), { timeout: 60_000 })
    await cache.get('key')
    expect(await timersOf(() => cache.get('key'))).toBe(1)
    expect(await timersOf(() => Promise.all(Array.from({ length: 50 }, (_, i) => cache.get(`key ${i}`))))).toBe(2)
  })

  it('starts one timer for all statements of a burst', async () => {
    const cache = createCache(drizzle(createPool(url, { idleTimeoutMillis: 0 })), { timeout: 60_000 })
    await cache.set('key', 1)
    expect(await timersOf(() => Promise.all(Array.from({ length: 50 }, (_, i) => cache.set(`key ${i}`, i))))).toBe(1)
  })

  it('clears the timers after the last call', async () => {
    const cache = createCache(drizzle(createPool(url, { idleTimeoutMillis: 0 })), { timeout: 60_000 })
    await cache.set('key', 1)
    const before = pending()
    await Promise.all([cache.get('key'), cache.set('key', 1), cache.has('key')])
    expect(pending()).toBeLessThanOrEqual(before)
  })
})

describe('the logger of Drizzle', () => {
  class Recording implements Logger {
    readonly logged: [string, unknown[]][] = []
    logQuery(text: string, values: unknown[]) {
      this.logged.push([text, values])
    }
  }
  const connectors = {
    pg: (logger: Logger) => drizzle(createPool(url), { logger }),
    'postgres-js': (logger: Logger) => {
      const client = postgres(url, { max: 1, fetch_types: false })
      cleanup(() => client.end())
      return drizzlePostgres(client, { logger })
    },
  }

  it.each(Object.entries(connectors))('logs every statement over %s', async (_name, connect) => {
    const logger = new Recording()
    const cache = createCache(connect(logger))
    await cache.set('key', 'value')
    await cache.get('key')
    expect(logger.logged).toEqual([
      [expect.stringMatching(/^\s*(with|insert)/), expect.arrayContaining(['key', '"value"'])],
      [expect.stringMatching(/^select/), ['key']],
    ])
  })
})

describe('a program that replaces a method of its client', () => {
  it('gets that method called for every statement of the cache', async () => {
    const pool = createPool(url)
    const query = vi.spyOn(pool, 'query')
    const cache = createCache(drizzle(pool))
    await cache.set('key', 'value')
    expect(await cache.get('key')).toBe('value')
    expect(query).toHaveBeenCalledTimes(2)
  })
})

describe('a connection that breaks', () => {
  const endConnections = () =>
    createPool(url, { max: 1 }).query(
      `select pg_terminate_backend(pid, 60000) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and application_name = 'ended'`,
    )

  it('rejects only the call whose statement was running', async () => {
    const errors: unknown[] = []
    const pool = new pg.Pool({ connectionString: url, application_name: 'ended', max: 1 })
    pool.on('error', (error) => errors.push(error))
    cleanup(() => pool.end())
    const cache = createCache(drizzle(pool), { timeout: 60_000 })
    await cache.set('key', 'value')
    const locker = await createPool(url, { max: 1 }).connect()
    await locker.query('begin; lock table cache_entries in access exclusive mode')
    const failing = expect(cache.set('key', 'other')).rejects.toMatchObject({ code: 'DATABASE', sqlState: '57P01' })
    const waiting = `select from pg_stat_activity where application_name = 'ended' and wait_event_type = 'Lock'`
    await eventually(async () => expect((await locker.query(waiting)).rowCount).toBe(1))
    await endConnections()
    await failing
    await locker.query('commit')
    locker.release()
    expect(await cache.get('key')).toBe('value')
    expect(errors).toEqual([])
  })

  it('leaves no listeners on the client or the pool', async () => {
    const pool = createPool(url, { max: 1 })
    const cache: Cache = createCache(drizzle(pool))
    for (let i = 0; i < 3; i++) await cache.get('key')
    const client = await pool.connect()
    expect(client.listenerCount('error')).toBe(0)
    client.release()
    expect(client.listenerCount('error')).toBe(1)
  })
})

/** Failures of drivers that keep connections: the cache repeats reads, and writes only if nothing ran. */
import { drizzle } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import { createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '../../docs/snippets/connections/postgres-js.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { startTcpRelay } from '../setup/tcp-relay.ts'

const PATIENT = { timeout: 60_000, warn: false } as const

let url: string
let admin: pg.Pool

beforeAll(async () => {
  url = await createDatabase()
  admin = createPool(url)
  await migrate(drizzle(admin))
})

interface Opened {
  readonly db: Database
  end(): Promise<unknown>
}

const drivers: Record<string, (to: string) => Opened> = {
  pg: (to) => {
    const pool = new pg.Pool({ connectionString: to, max: 2 })
    pool.on('error', () => {})
    cleanup(() => (pool.ended ? undefined : pool.end()))
    return { db: drizzle(pool), end: () => pool.end() }
  },
  'postgres-js': (to) => {
    const client = postgres(to, { max: 2, fetch_types: false })
    cleanup(() => client.end({ timeout: 1 }))
    return { db: drizzlePostgres({ client }), end: () => client.end() }
  },
}

const WAITING = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`

/** Locks the entries until the returned function is called. */
async function lockEntries(): Promise<() => Promise<unknown>> {
  const locker = await admin.connect()
  await locker.query('begin; lock table cache_entries in access exclusive mode')
  return async () => {
    await locker.query('commit')
    locker.release()
  }
}

describe.each(Object.entries(drivers))('over %s', (_name, connect) => {
  it('repeats a read after a broken connection, but no write', async () => {
    const relay = await startTcpRelay(url)
    const cache = createCache(connect(relay.url).db, { ...PATIENT, namespace: crypto.randomUUID() })
    await cache.setMany({ read: 'value', counter: 0 })
    for (const call of [() => cache.increment('counter'), () => cache.get('read')]) {
      const unlock = await lockEntries()
      const calling = Promise.allSettled([call()])
      await eventually(async () => expect((await admin.query(WAITING)).rowCount).toBe(1))
      relay.cutConnections()
      await admin.query(`select pg_terminate_backend(pid, 60000) from (${WAITING}) as waiting`)
      await unlock()
      const failed = { status: 'rejected', reason: expect.objectContaining({ sqlState: undefined, sent: true }) }
      const [answer] = await calling
      expect(answer).toEqual(answer?.status === 'fulfilled' ? { status: 'fulfilled', value: 'value' } : failed)
      expect(await cache.get('counter')).toBe(0)
    }
  })

  it('reports sent: false for a client that was closed', async () => {
    const { db, end } = connect(url)
    const cache = createCache(db, PATIENT)
    await cache.set('key', 1)
    await end()
    await expect(cache.set('key', 2)).rejects.toMatchObject({ code: 'DATABASE', sent: false })
  })

  it('reports sent: false if the server refuses the connection', async () => {
    const role = `refused_${crypto.randomUUID().slice(0, 8)}`
    await admin.query(`create role ${role} login password 'r' connection limit 0`)
    const to = new URL(url)
    Object.assign(to, { username: role, password: 'r' })
    await expect(createCache(connect(to.href).db, PATIENT).set('key', 1)).rejects.toMatchObject({
      sqlState: '53300',
      sent: false,
    })
    to.password = 'wrong'
    await expect(createCache(connect(to.href).db, PATIENT).set('key', 1)).rejects.toMatchObject({
      sqlState: '28P01',
      sent: false,
    })
    await admin.query(`drop role ${role}`)
  })
})

it('reports sent: false for a pool without a free connection', async () => {
  const pool = createPool(url, { max: 1, connectionTimeoutMillis: 100 })
  const holder = await pool.connect()
  await expect(createCache(drizzle(pool), PATIENT).set('key', 1)).rejects.toMatchObject({ sent: false })
  holder.release()
})

it('reports sent: false for a client of pg that lost its connection', async () => {
  const client = new pg.Client(url)
  client.on('error', () => {})
  await client.connect()
  const cache = createCache(drizzle(client), PATIENT)
  await cache.set('key', 1)
  const { processID } = client as pg.Client & { processID: number }
  const ended = new Promise((resolve) => client.once('end', () => resolve(undefined)))
  await admin.query('select pg_terminate_backend($1, 60000)', [processID])
  await ended
  await expect(cache.set('key', 2)).rejects.toMatchObject({ code: 'DATABASE', sent: false })
})

describe('the postgres-js client of the docs', () => {
  it('replaces connections that the network dropped', async () => {
    const relay = await startTcpRelay(url)
    const db = openDatabase(relay.url, 8_000)
    cleanup(() => db.$client.end({ timeout: 1 }))
    const cache = createCache(db, PATIENT)
    const keys = Array.from({ length: 20 }, (_, i) => `key ${i}`)
    await Promise.all(keys.map((key) => cache.set(key, 'old')))
    relay.forgetConnections()
    const settled = await Promise.allSettled(keys.map((key) => cache.set(key, 'new')))
    // The waiting statements used new connections.
    expect(settled.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(10)
    await Promise.all(keys.map((key) => cache.set(key, 'newer')))
    expect(new Set((await cache.getMany(keys)).values())).toEqual(new Set(['newer']))
  })
})

describe('the role settings of the docs', () => {
  it('end a statement on the server after its client has gone', async () => {
    const role = `bounded_${crypto.randomUUID().slice(0, 8)}`
    await admin.query(`create role ${role} login superuser password 'b'`)
    await admin.query(`alter role ${role} set client_connection_check_interval = '100ms'`)
    const relay = await startTcpRelay(url)
    const to = new URL(relay.url)
    Object.assign(to, { username: role, password: 'b' })
    const cache = createCache(connectTo(to.href), PATIENT)
    await cache.set('key', 'old')
    const unlock = await lockEntries()
    const lost = Promise.allSettled([cache.set('key', 'late')])
    await eventually(async () => expect((await admin.query(WAITING)).rowCount).toBe(1))
    relay.loseClients()
    await lost
    await eventually(async () => expect((await admin.query(WAITING)).rowCount).toBe(0))
    await unlock()
    expect(await createCache(drizzle(admin)).get('key')).toBe('old')
    await admin.query(`drop role ${role}`)
  })
})

function connectTo(to: string): Database {
  return (drivers.pg as (to: string) => Opened)(to).db
}

/** A timeout over a driver that keeps connections ends the statement on the server, not only the wait for it. */
import { Client as NeonClient, Pool as NeonPool, neonConfig } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-serverless'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import { type Cache, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { pgbouncerPath, startPgBouncer } from '../setup/pgbouncer.ts'
import { startTcpRelay } from '../setup/tcp-relay.ts'
import { startRelay } from '../setup/websocket-relay.ts'

const CALLS = 40
const CONNECTIONS = 4
/** Long enough that a busy machine sends or queues every statement of the test first. */
const HASTY_MS = 1_500

let url: string
let admin: pg.Pool

beforeAll(async () => {
  url = await createDatabase()
  admin = createPool(url, { max: 2, application_name: 'admin' })
  await migrate(drizzle(admin))
})
beforeEach(() => createCache(drizzle(admin)).clear())

const connectors: Record<string, (url: string) => Promise<Database>> = {
  'a pool of pg': async (to) => drizzle(createPool(to, { max: CONNECTIONS })),
  'a client of pg': async (to) => {
    const client = new pg.Client(to)
    await client.connect()
    cleanup(() => client.end())
    return drizzle(client)
  },
  'a pool of neon-serverless': async (to) => {
    const client = new NeonPool({ connectionString: await throughWebSocket(to), max: CONNECTIONS })
    client.on('error', () => {})
    cleanup(() => client.end())
    return drizzleNeon({ client })
  },
  'a client of neon-serverless': async (to) => {
    const client = new NeonClient(await throughWebSocket(to))
    await client.connect()
    cleanup(() => client.end())
    return drizzleNeon({ client })
  },
  'postgres-js': async (to) => {
    const client = postgres(to, { max: CONNECTIONS, fetch_types: false })
    cleanup(() => client.end({ timeout: 1 }))
    return drizzlePostgres({ client })
  },
  ...(pgbouncerPath !== undefined && {
    'a pool of pg through PgBouncer': async (to: string) =>
      drizzle(createPool(await startPgBouncer(to, CONNECTIONS), { max: CONNECTIONS })),
  }),
}

async function throughWebSocket(to: string): Promise<string> {
  const relay = await startRelay(to)
  neonConfig.webSocketConstructor = WebSocket
  neonConfig.wsProxy = () => relay
  Object.assign(neonConfig, { useSecureWebSocket: false, pipelineTLS: false, pipelineConnect: false })
  return to
}

/** Locks the entries, so that every statement of a cache waits. Returns a function that releases the lock. */
async function lockEntries(): Promise<() => Promise<unknown>> {
  const locker = await admin.connect()
  await locker.query('begin; lock table cache_entries in access exclusive mode')
  return async () => {
    await locker.query('commit')
    locker.release()
  }
}

/** Statements of the cache that the server still runs. */
async function running(): Promise<string[]> {
  const { rows } = await admin.query(
    `select query from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and state = 'active' and query like '%cache_entries%'`,
  )
  return rows.map(({ query }) => query)
}

async function failures(calls: readonly Promise<unknown>[]): Promise<{ code: string; sent: boolean }[]> {
  const settled = await Promise.allSettled(calls)
  return settled.map((each) => (each.status === 'rejected' ? each.reason : { code: 'FULFILLED' }))
}

describe.each(Object.entries(connectors))('%s', (_name, connect) => {
  let db: Database
  let patient: Cache
  let hasty: Cache

  beforeEach(async () => {
    db = await connect(url)
    patient = createCache(db, { timeout: 60_000 })
    hasty = createCache(db, { timeout: HASTY_MS })
    await patient.setMany(Array.from({ length: CALLS }, (_, i) => [`key ${i}`, 'old']))
    await patient.get('key 0')
  })

  it('cancels a running statement at the timeout, sends no queued one, and applies nothing later', async () => {
    const unlock = await lockEntries()
    const indexes = Array.from({ length: CALLS }, (_, i) => i)
    const failed = await failures([
      ...indexes.map((i) => hasty.set(`key ${i}`, 'late')),
      ...indexes.map((i) => hasty.getMany([`key ${i}`, 'other'])),
      ...indexes.map((i) => hasty.increment(`count ${i}`)),
    ])
    expect(new Set(failed.map(({ code }) => code))).toEqual(new Set(['TIMEOUT']))
    await eventually(async () => expect(await running()).toEqual([]))
    await unlock()
    // All at once, over the same connections.
    await Promise.all(indexes.map((i) => patient.set(`key ${i}`, 'new')))
    expect(new Set((await patient.getMany(indexes.map((i) => `key ${i}`))).values())).toEqual(new Set(['new']))
    expect(await patient.getMany(indexes.map((i) => `count ${i}`))).toEqual(new Map())
    expect(await running()).toEqual([])
  })

  it('leaves nothing running after count, stats, a list and a cleanup that time out', async () => {
    const unlock = await lockEntries()
    const calls = [hasty.count(), hasty.stats(), hasty.list({ state: 'expired' }), hasty.clearExpired()]
    expect((await failures(calls)).map(({ code }) => code)).toEqual(calls.map(() => 'TIMEOUT'))
    await eventually(async () => expect(await running()).toEqual([]))
    await unlock()
    expect(await patient.count()).toBe(CALLS)
  })
})

describe.each(Object.entries(connectors))('in a transaction over %s', (_name, connect) => {
  it('stops the statement under a lock, so that the transaction can roll back', async () => {
    const db = (await connect(url)) as NodePgDatabase
    await createCache(db, { timeout: 60_000 }).set('key', 'old')
    const unlock = await lockEntries()
    const transaction = db.transaction(async (tx) => {
      await createCache(tx, { timeout: HASTY_MS }).set('key', 'late')
    })
    // This rejects before the lock is released.
    await expect(transaction).rejects.toMatchObject({ code: 'TIMEOUT', sent: true })
    // The cancel request uses a separate connection, so it may arrive a moment later.
    await eventually(async () => expect(await running()).toEqual([]))
    await unlock()
    expect(await createCache(db, { timeout: 60_000 }).get('key')).toBe('old')
  })
})

describe('the `sent` flag of a timeout', () => {
  it('is true only for statements that got a connection from the pool', async () => {
    const pool = createPool(url, { max: CONNECTIONS })
    const cache = createCache(drizzle(pool), { timeout: 10_000 })
    await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => cache.set(`warm ${i}`, 1)))
    const unlock = await lockEntries()
    const calls = Array.from({ length: CALLS }, (_, i) => cache.set(`key ${i}`, 'late'))
    await eventually(async () => expect((await running()).length).toBe(CONNECTIONS))
    expect((await failures(calls)).filter(({ sent }) => sent).length).toBe(CONNECTIONS)
    // Otherwise a statement that is about to be cancelled would write into the next test.
    await eventually(async () => expect(await running()).toEqual([]))
    await unlock()
  })

  it('is false for a statement that waited in a client behind another statement', async () => {
    const client = new pg.Client(url)
    await client.connect()
    cleanup(() => client.end())
    const cache = createCache(drizzle(client), { timeout: HASTY_MS })
    await createCache(drizzle(client), { timeout: 60_000 }).get('key')
    const unlock = await lockEntries()
    const behind = client.query('select count(*) from cache_entries')
    expect(await failures([cache.set('key', 'late')])).toMatchObject([{ code: 'TIMEOUT', sent: false }])
    await unlock()
    expect((await behind).rows).toEqual([{ count: '0' }])
    expect(await createCache(drizzle(client), { timeout: 60_000 }).has('key')).toBe(false)
  })
})

describe('connections that the network dropped silently', () => {
  it.each(['a pool of pg', 'a pool of neon-serverless'])(
    'closes the dropped connections of %s when statements time out',
    async (name) => {
      const relay = await startTcpRelay(url)
      const db = (await connectors[name]?.(relay.url)) as NodePgDatabase & { $client: pg.Pool }
      const pool = db.$client
      const cache = createCache(db, { timeout: HASTY_MS })
      const patient = createCache(db, { timeout: 60_000 })
      await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => patient.set(`key ${i}`, i)))
      expect(relay.open).toBe(CONNECTIONS)
      relay.forgetConnections()
      const failed = await failures(Array.from({ length: CONNECTIONS }, (_, i) => cache.set(`key ${i}`, 'lost')))
      expect(failed.map(({ code, sent }) => [code, sent])).toEqual(failed.map(() => ['TIMEOUT', true]))
      // The pool has free connections again.
      expect(await Promise.all(Array.from({ length: CONNECTIONS }, (_, i) => patient.get(`key ${i}`)))).toEqual(
        Array.from({ length: CONNECTIONS }, (_, i) => i),
      )
      await eventually(() => expect(relay.open).toBeLessThanOrEqual(CONNECTIONS))
      expect([pool.totalCount <= CONNECTIONS, pool.waitingCount]).toEqual([true, 0])
    },
  )
})

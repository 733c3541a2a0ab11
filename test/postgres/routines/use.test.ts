/** Drivers that call routines, and how many bytes they send. */

import { PGlite } from '@electric-sql/pglite'
import { neon, neonConfig, Pool } from '@neondatabase/serverless'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzleNeonSockets } from 'drizzle-orm/neon-serverless'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleProxy } from 'drizzle-orm/pg-proxy'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import { type Cache, type CacheOptions, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import postgres from 'postgres'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { ROUTINE_PARAMETERS } from '../../../src/postgres/routines/generated.ts'
import { routineName } from '../../../src/postgres/routines/routine-call.ts'
import { operationsWithRoutine } from '../../../src/postgres/routines/routine-set.ts'
import { createRunner } from '../../../src/postgres/runner.ts'
import { namesOf } from '../../../src/schema/table-names.ts'
import { cleanup } from '../../setup/cleanup.ts'
import { createDatabase, createPool } from '../../setup/databases.ts'
import { startRelay } from '../../setup/websocket-relay.ts'
import { createResponses } from '../responses.ts'
import { createSite, isCall, type Site } from './site.ts'
import { VALUES } from './values.ts'

/** A Drizzle database, and the statements on the cache that it has sent. */
interface Connection {
  readonly db: Database
  readonly statements: string[]
}

function logged(connect: (options: { logger: { logQuery(query: string): void } }) => Database): Connection {
  const statements: string[] = []
  const logQuery = (query: string) => {
    if (query.includes('cache_')) statements.push(query)
  }
  return { db: connect({ logger: { logQuery } }), statements }
}

const withPg = async (options: object = {}) => {
  const pool = createPool(await createDatabase(), options)
  return { pool, ...logged((more) => drizzlePg(pool, more)) }
}

async function overWebSockets(): Promise<Connection> {
  const url = await createDatabase()
  const relay = await startRelay(url)
  neonConfig.webSocketConstructor = WebSocket
  neonConfig.wsProxy = () => relay
  Object.assign(neonConfig, { useSecureWebSocket: false, pipelineTLS: false, pipelineConnect: false })
  const client = new Pool({ connectionString: url })
  client.on('error', () => {})
  cleanup(() => client.end())
  return logged((more) => drizzleNeonSockets(client, more))
}

async function overPostgresJs(): Promise<Connection> {
  const client = postgres(await createDatabase(), { onnotice: () => {} })
  cleanup(() => client.end())
  return logged((more) => drizzlePostgres(client, more))
}

async function overProxy(): Promise<Connection> {
  const pool = createPool(await createDatabase())
  return logged((more) =>
    drizzleProxy(async (text, values, method) => {
      if (method === 'execute') return { rows: (await pool.query(text)).rows ?? [] }
      return { rows: (await pool.query({ text, values, rowMode: 'array' })).rows }
    }, more),
  )
}

async function onPglite(): Promise<Connection> {
  const client = new PGlite()
  cleanup(() => client.close())
  return logged((more) => drizzlePglite(client, more))
}

async function withToken(): Promise<Connection> {
  const { db, server } = await createSite({})
  await migrate(db)
  return logged((more) => drizzleNeon(neon(server.connectionString), more).$withAuth('a.token') as unknown as Database)
}

async function use(cache: Cache): Promise<void> {
  await cache.set('key', { a: 1 }, { tags: ['x'] })
  expect(await cache.get('key')).toEqual({ a: 1 })
  expect(await cache.getOrSet('key', () => 2)).toEqual({ a: 1 })
  expect(await cache.increment('counter')).toBe(1)
  expect(await cache.clear()).toBe(2)
}

describe('routines are called', () => {
  const drivers: Record<string, [() => Promise<Connection>, CacheOptions?]> = {
    'neon-http with a token of its own': [withToken],
    'pg-proxy': [overProxy],
    pglite: [onPglite],
    'node-postgres with preparedNames: false': [withPg, { preparedNames: false }],
    'postgres-js with preparedNames: false': [overPostgresJs, { preparedNames: false }],
  }
  it.each(Object.entries(drivers))('by %s', async (_name, [connect, options]) => {
    const { db, statements } = await connect()
    await migrate(db)
    statements.length = 0
    await use(createCache(db, { timeout: 60_000, ...options }))
    expect(statements.map(isCall)).toEqual([true, true, true, true, true])
  })

  it('by neon-http', async () => {
    const site = await createSite({})
    await use(site.create())
    expect(site.calls()).toEqual([true, true, true, true, true])
  })

  it('by node-postgres once a pooler has lost a prepared statement', async () => {
    const { db, statements, pool } = await withPg({ max: 1 })
    await migrate(db)
    const cache = createCache(db, { timeout: 60_000 })
    await cache.set('key', 1)
    await pool.query('deallocate all')
    statements.length = 0
    await cache.set('key', 2)
    expect(await cache.get('key')).toBe(2)
    expect(statements.map(isCall)).toEqual([false, true, true])
  })
})

describe('statements stay prepared, and routines are called where they are faster', () => {
  const drivers: Record<string, () => Promise<Connection>> = {
    'node-postgres': withPg,
    'postgres-js': overPostgresJs,
    'neon-serverless over WebSockets': overWebSockets,
  }
  it.each(Object.entries(drivers))('by %s', async (_name, connect) => {
    const { db, statements } = await connect()
    await migrate(db)
    statements.length = 0
    await use(createCache(db, { timeout: 60_000 }))
    // The set statement is prepared. The routine has cheaper statements for usual cases, and clears without JIT.
    expect(statements.map(isCall)).toEqual([false, true, true, true, true])
  })

  it('except in a transaction of the caller', async () => {
    const { db, statements } = await withPg()
    await migrate(db)
    statements.length = 0
    await (db as ReturnType<typeof drizzlePg>).transaction((tx) => use(createCache(tx, { preparedNames: false })))
    expect(statements.length).toBeGreaterThan(4)
    expect(statements.filter(isCall)).toEqual([])
  })
})

describe('over HTTP', () => {
  let site: Site
  beforeAll(async () => {
    site = await createSite({})
  })

  it.each(operationsWithRoutine.map((operation) => [operation.name, operation] as const))(
    '%s is one request that calls its routine',
    async (name, operation) => {
      const runner = createRunner(site.db, { tables: namesOf(site.tables), timeoutMs: 60_000, preparedNames: true })
      const names = (ROUTINE_PARAMETERS[name] ?? '').split(' ').filter(Boolean)
      const values = Object.fromEntries(names.map((parameter) => [parameter, VALUES[parameter]?.[0]]))
      site.faults.reset()
      await runner.run(operation, values)
      expect(site.faults.requests).toBe(1)
      expect(site.faults.log[0]?.sql[0]).toContain(`from "${routineName(site.tables, name)}"(`)
      expect(site.calls()).toEqual([true])
    },
  )

  const budgets: Record<string, [number, (cache: Cache) => Promise<unknown>]> = {
    'a get': [150, (c) => c.get('key')],
    'a sliding get': [200, (c) => c.get('key', { sliding: '1m' })],
    'a getOrSet hit': [400, (c) => c.getOrSet('key', () => 1)],
    'a sliding getOrSet hit': [500, (c) => c.getOrSet('key', () => 1, { expiration: '1m', sliding: true })],
    'a limit': [220, (c) => c.limit('calls', { limit: 5, period: '1m' })],
    'an increment': [220, (c) => c.increment('counter')],
    'a set': [220, (c) => c.set('key', 'value')],
  }
  it.each(Object.entries(budgets))('%s sends few bytes', async (_name, [budget, run]) => {
    const cache = site.create()
    await cache.set('key', 'value', { expiration: '1h' })
    await run(cache)
    site.faults.reset()
    await run(cache)
    expect(site.calls()).toEqual([true])
    expect(site.faults.bytesIn).toBeLessThanOrEqual(budget)
  })

  it('a response hit sends few bytes', async () => {
    const responses = createResponses(site, { tables: site.tables })
    const url = 'https://shop.example/products/a-page-of-usual-length?colour=blue'
    await responses.put(url, 'body')
    site.faults.reset()
    const { entry } = await responses.read(url, { claims: true, noneMatch: ['"a-tag-of-usual-length"'] })
    expect(entry?.state).toBe('live')
    expect(site.calls()).toEqual([true])
    expect(site.faults.bytesIn).toBeLessThanOrEqual(700)
  })
})

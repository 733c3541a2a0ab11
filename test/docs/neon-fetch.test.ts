import { inspect } from 'node:util'
import { sql } from 'drizzle-orm'
import { boolean, integer, jsonb, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { createCache, DatabaseError, DatabaseTimeoutError } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { cacheTables } from 'pgstash/schema'
import { cacheContract, createFaults } from 'pgstash/testing'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { neonOverFetch } from '../../docs/snippets/neon-fetch.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { lazily } from '../setup/lazily.ts'
import { postgresStore } from '../setup/postgres-store.ts'

const PASSWORD = 'pass-of-the-test'
const faults = createFaults()
let endpoint: string
let connectionString: string

beforeAll(async () => {
  const local = await startLocalNeon({ database: await createDatabase(), intercept: faults, password: PASSWORD })
  cleanup(() => local.close())
  endpoint = local.endpoint
  connectionString = local.connectionString
})

afterEach(() => {
  faults.heal()
  faults.reset()
  vi.restoreAllMocks()
})

const connect = (text = connectionString) => neonOverFetch(text, endpoint)
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable('no failure'),
    (error: unknown) => error,
  )

describe('the database over fetch', () => {
  cacheContract(
    { describe, it, expect },
    lazily(async () => postgresStore(connect())),
  )

  it('takes one request for a get, a set and a hit of getOrSet, and two for a miss', async () => {
    const cache = createCache(connect(), { timeout: 60_000 })
    const requestsOf = async (work: () => Promise<unknown>) => {
      faults.reset()
      await work()
      return faults.requests
    }
    expect(await requestsOf(() => cache.set('counted', 1))).toBe(1)
    expect(await requestsOf(() => cache.get('counted'))).toBe(1)
    expect(await requestsOf(() => cache.getOrSet('computed', 2))).toBe(2)
    expect(await requestsOf(() => cache.getOrSet('computed', 3))).toBe(1)
  })

  it('returns the types of the columns to queries of the program', async () => {
    const db = connect()
    const things = pgTable('things', {
      id: integer().primaryKey(),
      isReady: boolean().notNull(),
      tags: text().array().notNull(),
      data: jsonb().notNull(),
      madeAt: timestamp({ withTimezone: true }).notNull(),
    })
    await db.execute(
      sql`create table things (id int primary key, "isReady" boolean, tags text[], data jsonb, "madeAt" timestamptz)`,
    )
    const thing = { id: 1, isReady: false, tags: ['a', 'b,"c"'], data: { n: 1 }, madeAt: new Date(0) }
    await db.insert(things).values(thing)
    expect(await db.select().from(things)).toEqual([thing])
    expect(await db.execute(sql`select id, "isReady" from things`)).toEqual([{ id: 1, isReady: false }])
  })
})

describe('a failure of the database over fetch', () => {
  it('has the SQLSTATE', async () => {
    const error = await failureOf(connect().execute(sql`select 1 / 0`))
    expect(inspect(error)).toContain("code: '22012'")
    const tables = cacheTables({ prefix: 'missing_' })
    const failure = await failureOf(createCache(connect(), { tables, warn: false }).get('key'))
    expect(failure).toBeInstanceOf(DatabaseError)
    expect(failure).toMatchObject({ sqlState: '42P01', sent: true })
  })

  it('reports a refused login, without the password', async () => {
    const wrong = connectionString.replace(PASSWORD, 'another-password')
    const failure = await failureOf(createCache(connect(wrong), { warn: false }).get('key'))
    expect(failure).toMatchObject({ sqlState: '28P01', message: expect.stringContaining('password') })
    expect(inspect(failure, { depth: 10 })).not.toContain('another-password')
  })

  it('has the status of an answer without an SQLSTATE', async () => {
    faults.next({ kind: 'error', status: 402, body: 'not JSON' })
    const failure = await failureOf(createCache(connect(), { warn: false }).set('key', 1))
    expect(failure).toMatchObject({ status: 402, message: expect.stringContaining('the quota is used up') })
  })

  it.each([{ kind: 'reset' }, { kind: 'lose' }, { kind: 'truncate', bytes: 40 }] as const)(
    'rejects a write whose answer is lost: $kind',
    async (fault) => {
      faults.next(fault)
      const failure = await failureOf(createCache(connect(), { warn: false }).increment('lost'))
      expect(failure).toBeInstanceOf(DatabaseError)
      expect(failure).toMatchObject({ sent: true, sqlState: undefined })
    },
  )

  it('repeats a read whose answer is lost', async () => {
    faults.next({ kind: 'truncate', bytes: 40 })
    expect(await createCache(connect(), { timeout: 60_000 }).get('missing')).toBeUndefined()
    expect(faults.requests).toBe(2)
  })

  it('ends a request that takes longer than the timeout of the cache', async () => {
    const abort = new AbortController()
    vi.spyOn(AbortSignal, 'timeout').mockReturnValue(abort.signal)
    let signal: AbortSignal | undefined
    const onRequest = faults.onRequest.bind(faults)
    vi.spyOn(faults, 'onRequest').mockImplementation((request) => {
      signal = request.signal
      return onRequest(request)
    })
    faults.next({ kind: 'hang' })
    const failure = await failureOf(createCache(connect(), { timeout: 100, warn: false }).get('key'))
    expect(failure).toBeInstanceOf(DatabaseTimeoutError)
    // On a busy machine, the request may reach the endpoint after the timeout.
    await eventually(() => expect(signal).toBeDefined())
    expect(signal?.aborted).toBe(false)
    abort.abort()
    await eventually(() => expect(signal?.aborted).toBe(true))
  })

  it('follows no redirect, which would send the password to another host', async () => {
    const requests: unknown[] = []
    vi.spyOn(globalThis, 'fetch').mockImplementation(async (_url, init) => {
      requests.push(init?.redirect)
      return new Response(null, { status: 307, headers: { location: 'https://example.com/' } })
    })
    const failure = await failureOf(createCache(connect(), { warn: false }).set('key', 1))
    expect(failure).toMatchObject({ status: 307 })
    expect(requests).toEqual(['manual'])
  })
})

describe('the connection string', () => {
  const SECRET = 'se-cret'

  it('names the endpoint of Neon', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json({ rows: [] }))
    await neonOverFetch('postgresql://u:p@ep-a-1.us-east-2.aws.neon.tech/db').execute(sql`select 1`)
    expect(fetched.mock.calls[0]?.[0]).toBe('https://api.us-east-2.aws.neon.tech/sql')
  })

  it('is not in the error if it is not a URL', () => {
    let error: unknown
    try {
      neonOverFetch(`postgresql://u:${SECRET}@host:port/db`)
    } catch (thrown) {
      error = thrown
    }
    expect(inspect(error)).toContain('not a valid URL')
    expect(inspect(error, { depth: 10 })).not.toContain(SECRET)
  })

  it.each(['\n', 'é', '"'])('is sent encoded if it has the character %j', async (character) => {
    const fetched = vi.spyOn(globalThis, 'fetch').mockResolvedValue(Response.json({ rows: [] }))
    await neonOverFetch(`postgresql://u:${SECRET}${character}@host.neon.tech/db`).execute(sql`select 1`)
    const sent = new Headers(fetched.mock.calls[0]?.[1]?.headers).get('neon-connection-string') ?? ''
    expect(decodeURIComponent(new URL(sent).password)).toBe(`${SECRET}${character}`.trim())
  })
})

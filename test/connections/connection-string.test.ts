/** The protocol that a connection string selects, and the strings that are refused before anything is sent. */
import { createServer } from 'node:net'
import { inspect } from 'node:util'
import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'
import { createCache, DatabaseError, type DatabaseSource, InvalidOptionError } from 'pgstash'
import { startLocalNeon } from 'pgstash/dev'
import { migrate } from 'pgstash/migrate'
import { createFaults } from 'pgstash/testing'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { eventually } from '../setup/eventually.ts'
import { freePort } from '../setup/free-port.ts'

let database: string

beforeAll(async () => {
  database = await createDatabase()
  await migrate(database)
})

afterEach(() => vi.unstubAllGlobals())

async function localNeon(port = 0) {
  const faults = createFaults()
  const server = await startLocalNeon({ database, intercept: faults, port })
  cleanup(() => server.close())
  return { faults, server }
}

interface Sent {
  readonly url: string
  readonly connectionString: string | null
}

/** Stands in for Neon: sends its requests to a local endpoint, and records their original targets. */
async function standInForNeon(): Promise<{ sent: Sent[]; credentials: string }> {
  const { server } = await localNeon()
  const { fetch } = globalThis
  const sent: Sent[] = []
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
    const headers = new Headers(init.headers)
    sent.push({ url, connectionString: headers.get('neon-connection-string') })
    headers.set('neon-connection-string', server.connectionString)
    return fetch(server.endpoint, { ...init, headers })
  })
  return { sent, credentials: new URL(server.connectionString).username }
}

describe('a connection string', () => {
  it.each([
    ['ep-blue-1.eu-central-1.aws.neon.tech', 'https://api.eu-central-1.aws.neon.tech/sql'],
    ['ep-blue-1-pooler.eu-central-1.aws.neon.tech', 'https://api.eu-central-1.aws.neon.tech/sql'],
    ['ep-blue-1.c-2.us-east-2.aws.neon.tech', 'https://api.c-2.us-east-2.aws.neon.tech/sql'],
  ])('for Neon at %s uses HTTP to %s, one request for each operation', async (host, endpoint) => {
    const { sent } = await standInForNeon()
    const url = `postgresql://ada:p%40ss@${host}/shop?sslmode=require&channel_binding=require`
    const cache = createCache(url, { timeout: 60_000, namespace: host })
    expect(sent).toEqual([])
    await cache.set('key', { list: [1] })
    expect(await cache.get('key')).toEqual({ list: [1] })
    expect(sent).toEqual([
      { url: endpoint, connectionString: url },
      { url: endpoint, connectionString: url },
    ])
  })

  it('for a local Neon uses HTTP, with the round trips of Neon’s driver', async () => {
    const { faults, server } = await localNeon()
    const cache = createCache(server.connectionString, { timeout: 60_000, namespace: 'local' })
    await cache.getOrSet('key', () => 'computed')
    expect(faults.requests).toBe(2)
    expect(await cache.getOrSet('key', () => 'other')).toBe('computed')
    expect(faults.requests).toBe(3)
  })

  it('for another host uses TCP, in one pool for all caches, and keeps its statements prepared', async () => {
    const url = new URL(database)
    url.searchParams.set('application_name', 'pgstash-test')
    const [one, two] = [
      createCache(url.href, { timeout: 60_000 }),
      createCache(() => url.href, { timeout: 60_000, namespace: 'two' }),
    ]
    await one.set('key', 1)
    for (let i = 0; i < 3; i++) expect([await one.get('key'), await two.get('key')]).toEqual([1, undefined])
    const { rows } = await createPool(database).query(
      `select count(*)::int as count from pg_stat_activity where application_name = 'pgstash-test'`,
    )
    expect(rows).toEqual([{ count: 1 }])
  })

  it('survives that Postgres ends its idle connections', async () => {
    const url = new URL(database)
    url.searchParams.set('application_name', 'pgstash-idle')
    const cache = createCache(url.href, { timeout: 60_000 })
    await cache.set('idle', 1)
    const end = `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pgstash-idle'`
    await createPool(database).query(end)
    await eventually(async () => expect(await cache.get('idle')).toBe(1))
  })

  it('with sslrootcert=system trusts the certificates of Node, where pg would look for a file', async () => {
    const url = new URL(database)
    url.searchParams.set('sslmode', 'disable')
    url.searchParams.set('sslrootcert', 'system')
    expect(await createCache(url.href, { timeout: 60_000 }).get('system')).toBeUndefined()
  })

  it('is tried again after nothing listened', async () => {
    const port = await freePort()
    const url = `postgresql://postgres:password-of-the-test@localhost:${port}/postgres`
    const cache = createCache(url, { timeout: 60_000, warn: false })
    const error = await cache.get('key').catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(DatabaseError)
    expect(error).toMatchObject({ sent: false, message: expect.stringContaining('nothing listens') })
    const server = await startLocalNeon({ port, password: 'password-of-the-test' })
    cleanup(() => server.close())
    await migrate(url)
    await cache.set('key', 'now')
    expect(await cache.get('key')).toBe('now')
  })

  it('for a host that never answers uses TCP, and fails within the timeout', async () => {
    const silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    cleanup(() => silent.close())
    const { port } = silent.address() as { port: number }
    const cache = createCache(`postgresql://ada:secret@127.0.0.1:${port}/shop`, { timeout: 200, warn: false })
    await expect(cache.get('key')).rejects.toMatchObject({ code: 'TIMEOUT' })
  })

  it('never follows a redirect, because another host must not get the password', async () => {
    vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
      expect(init.redirect).toBe('manual')
      return new Response(null, { status: 307, headers: { location: 'https://elsewhere.invalid/' } })
    })
    const cache = createCache('postgresql://ada:secret@ep-1.neon.tech/shop', { warn: false })
    await expect(cache.set('key', 1)).rejects.toMatchObject({ code: 'DATABASE', status: 307 })
  })

  it('aborts its request at the timeout', async () => {
    const { faults, server } = await localNeon()
    const signals: (AbortSignal | null | undefined)[] = []
    const { fetch } = globalThis
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      signals.push(init.signal)
      return fetch(url, init)
    })
    faults.next({ kind: 'hang' })
    const cache = createCache(server.connectionString, { timeout: 200, warn: false })
    await expect(cache.set('key', 1)).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(signals.map((signal) => signal?.aborted)).toEqual([true])
  })

  it('reports failures over HTTP like Neon’s driver', async () => {
    const { server } = await localNeon()
    const wrong = new URL(server.connectionString)
    wrong.pathname = '/missing'
    const cache = createCache(wrong.href, { timeout: 60_000, warn: false })
    await expect(cache.get('key')).rejects.toMatchObject({ code: 'DATABASE', sqlState: '3D000' })
    await server.close()
    const away = createCache(server.connectionString, { timeout: 60_000, warn: false })
    const error = await away.get('key').catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'DATABASE', sent: false })
  })
})

describe('an invalid connection string', () => {
  const SECRET = 'hunter2'

  it.each([
    ['empty', '', /got an empty string: set its variable/],
    ['blank', '  ', /got an empty string/],
    ['for another kind of database', `mysql://ada:${SECRET}@db.example/shop`, /such as postgresql:/],
    ['not a URL', `ada:${SECRET}@db.example`, /such as postgresql:/],
    ['with a password that is not encoded', `postgresql://ada:${SECRET}#/?@db.example:x/shop`, /encode its password/],
    ['for Prisma Accelerate', `prisma+postgres://accelerate.prisma-data.net/?api_key=${SECRET}`, /Prisma Accelerate/],
  ])('that is %s is refused at once, without showing it', async (_name, text, message) => {
    const refuse = () => createCache(text)
    expect(refuse).toThrow(InvalidOptionError)
    expect(refuse).toThrow(message)
    const thrown = await migrate(text).catch((error: unknown) => error)
    expect(thrown).toBeInstanceOf(InvalidOptionError)
    expect(inspect(thrown, { depth: 9 })).not.toContain(SECRET)
    await expect(createCache(() => text, { onError: 'miss' }).get('key')).rejects.toThrow(InvalidOptionError)
  })

  it.each(['postgresql://ep-1.neon.tech/shop', 'postgresql://ada@ep-1.neon.tech'])(
    'that lacks a user or database for HTTP fails at the first call: %s',
    async (url) => {
      const sent = vi.fn()
      vi.stubGlobal('fetch', sent)
      await expect(createCache(url).get('key')).rejects.toThrow(/user and a database/)
      expect(sent).not.toHaveBeenCalled()
    },
  )

  it('is in no error of the driver', async () => {
    for (const url of [
      `postgresql://ada:${SECRET}@nowhere.invalid/shop`,
      `postgresql://ada:${SECRET}@127.0.0.1:9/shop`,
      `postgresql://ada:${SECRET}@ep-1.neon.tech/shop`,
    ]) {
      vi.stubGlobal('fetch', async (_url: string, init: RequestInit) => {
        throw new TypeError(`Failed: ${JSON.stringify(init.headers)}`)
      })
      const error = await createCache(url, { warn: false })
        .get('key')
        .catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(DatabaseError)
      expect(inspect(error, { depth: 9 })).not.toMatch(/hunter2|ada|shop/)
    }
  })
})

describe('a value that is not a database', () => {
  class Kysely {
    selectFrom() {}
    with() {}
    executeQuery() {}
  }
  class SqliteDatabase {
    query() {}
    exec() {}
  }

  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 42],
    ['an object', {}],
    ['a query builder', new Kysely()],
    ['a database of SQLite', new SqliteDatabase()],
    ['a promise', Promise.resolve('postgresql://localhost/shop')],
    ['a pool that is not open', pg.Pool],
  ])('is refused: %s', async (_name, given) => {
    const source = given as DatabaseSource
    if (typeof given === 'function') await expect(createCache(source).get('key')).rejects.toThrow()
    else
      expect(() => createCache(source)).toThrow(
        /^Expected db to be a connection string, a driver's client, or a Drizzle/,
      )
  })

  it('is answered with a question about the variable, if it is undefined', () => {
    expect(() => createCache(process.env.NOT_SET as unknown as string)).toThrow(
      /got undefined\. Is its variable set\?$/,
    )
  })
})

it('createCache still accepts a Drizzle database', async () => {
  const cache = createCache(drizzle(createPool(database)), { timeout: 60_000 })
  await cache.set('drizzle', 1)
  expect(await cache.get('drizzle')).toBe(1)
})

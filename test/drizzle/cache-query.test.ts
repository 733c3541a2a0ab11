/** `cacheQuery`: which queries share a key, and that a hit equals the result of the query. */

import { PGlite } from '@electric-sql/pglite'
import { neon, neonConfig } from '@neondatabase/serverless'
import { asc, sql } from 'drizzle-orm'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type AnyPgColumn, customType, integer, jsonb, pgMaterializedView, pgTable, text } from 'drizzle-orm/pg-core'
import { drizzle as drizzleProxy } from 'drizzle-orm/pg-proxy'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import pg from 'pg'
import { type CacheEvent, memoryCache } from 'pgstash'
import { cacheQuery, queryCache } from 'pgstash/drizzle'
import postgres from 'postgres'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createDatabase, createPool } from '../setup/databases.ts'

const bytes = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })
const items = pgTable('items', {
  id: integer('id').primaryKey(),
  owner: text('owner').notNull(),
  doc: jsonb('doc'),
  raw: bytes('raw'),
})

const TABLE = 'create table items (id int primary key, owner text not null, doc jsonb, raw bytea)'

let site: Site
let second: string
/** Two databases, one for each side. The second has one row more. */
beforeAll(async () => {
  site = await createSite()
  second = await createDatabase()
  const other = createPool(second)
  for (const [run, rows] of [
    [(text: string) => site.db.execute(sql.raw(text)), 1],
    [(text: string) => other.query(text), 2],
  ] as const) {
    await run(TABLE)
    await run(`insert into items select n, 'ada' from generate_series(1, ${rows}) n`)
  }
})
beforeEach(async () => {
  await site.db.execute(sql`truncate cache_entries, cache_leases`)
  await site.db.execute(sql`truncate items`)
  await site.db.execute(sql`insert into items values (1, 'ada')`)
})

type Db = NodePgDatabase
const asDb = (db: unknown) => db as Db
const connectors: Record<string, (url: string) => Db> = {
  'node-postgres': (url) => drizzlePg({ client: createPool(url) }),
  'node-postgres with separate settings': (url) => {
    const { hostname, port, username, password, pathname } = new URL(url)
    const client = new pg.Pool({
      host: hostname,
      port: Number(port),
      user: username,
      password,
      database: pathname.slice(1),
    })
    client.on('error', () => {})
    cleanup(() => client.end())
    return drizzlePg({ client })
  },
  'postgres-js': (url) => {
    const client = postgres(url, { onnotice: () => {} })
    cleanup(() => client.end())
    return asDb(drizzlePostgres({ client }))
  },
}
const total = (db: Db) => db.select({ n: sql<string>`count(*)` }).from(items)
const counted = async (query: PromiseLike<{ n: string }[]>) => Number((await query)[0]?.n)

describe.each(Object.entries(connectors))('cacheQuery on %s', (_driver, connect) => {
  it('keeps the rows of two databases apart, and shares those of one database between clients', async () => {
    const cache = site.client()
    const read = (url: string) => counted(cacheQuery(cache, total(connect(url))))
    expect([await read(site.database), await read(second)]).toEqual([1, 2])
    await site.db.execute(sql`delete from items`)
    // A new client each time, as with one per request.
    expect([await read(site.database), await read(second)]).toEqual([1, 2])
    expect(await cache.count()).toBe(2)
  })

  it('refuses a query of a transaction, which may read rows that no other reader may see', async () => {
    const cache = site.client()
    const db = connect(site.database)
    const inside = db.transaction((tx) => cacheQuery(cache, total(asDb(tx))))
    await expect(inside).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    const nested = db.transaction((tx) => tx.transaction((inner) => cacheQuery(cache, total(asDb(inner)))))
    await expect(nested).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(await cache.count()).toBe(0)
    expect(await counted(cacheQuery(cache, total(db)))).toBe(1)
  })
})

describe('cacheQuery on neon-http', () => {
  const urlOf = async (database: string) =>
    database === site.database ? site.server.connectionString : (await createSite(database)).server.connectionString
  /** Records the auth token of each query that is sent. */
  function spyOnTokens(): (string | undefined)[] {
    const tokens: (string | undefined)[] = []
    const before = neonConfig.fetchFunction
    neonConfig.fetchFunction = (url: string, init: { headers: Record<string, string> }) => {
      const { Authorization: token, ...headers } = init.headers
      tokens.push(token)
      return fetch(url, { ...init, headers })
    }
    cleanup(() => {
      neonConfig.fetchFunction = before
    })
    return tokens
  }

  it('keeps the rows of two databases apart, and shares those of one database between clients', async () => {
    const cache = site.client()
    const urls = [site.server.connectionString, await urlOf(second)]
    const read = async (url = '') => counted(cacheQuery(cache, total(asDb(drizzleNeon({ client: neon(url) })))))
    expect(await Promise.all(urls.map(read))).toEqual([1, 2])
    await site.db.execute(sql`delete from items`)
    expect(await Promise.all(urls.map(read))).toEqual([1, 2])
    expect(await cache.count()).toBe(2)
  })

  it('ignores the password, which may change while the database stays', async () => {
    const cache = site.client()
    const url = new URL(site.server.connectionString)
    const read = () => counted(cacheQuery(cache, total(asDb(drizzleNeon({ client: neon(url.href) })))))
    await read()
    await site.db.execute(sql`delete from items`)
    const before = neonConfig.fetchFunction
    cleanup(() => {
      neonConfig.fetchFunction = before
    })
    url.password = 'another'
    expect(await read()).toBe(1)
    expect(neonConfig.fetchFunction).toBe(before)
  })

  it('never returns rows of another token, however the token is given', async () => {
    const tokens = spyOnTokens()
    const cache = site.client()
    const plain = neon(site.server.connectionString)
    let current = 'b'
    const given: Record<string, () => unknown> = {
      none: () => drizzleNeon({ client: plain }),
      '$withAuth a': () => drizzleNeon({ client: plain }).$withAuth('a'),
      '$withAuth b': () => drizzleNeon({ client: plain }).$withAuth(async () => current),
      'neon() c': () => drizzleNeon({ client: neon(site.server.connectionString, { authToken: 'c' }) }),
    }
    for (const open of Object.values(given)) await cacheQuery(cache, total(asDb(open())))
    expect(tokens.filter((token) => token !== undefined)).toEqual(['Bearer a', 'Bearer b', 'Bearer c'])
    expect(await cache.count()).toBe(4)
    // These are hits, so nothing is sent.
    for (const open of Object.values(given)) await cacheQuery(cache, total(asDb(open())))
    expect(tokens.filter((token) => token !== undefined)).toHaveLength(3)
    current = 'd'
    await cacheQuery(cache, total(asDb(given['$withAuth b']?.())))
    expect(tokens.at(-1) ?? tokens.at(-2)).toBe('Bearer d')
    const { entries } = await cache.list()
    expect(JSON.stringify(entries)).not.toMatch(/Bearer|postgres|[a-z]+@/)
  })

  it('runs a query uncached if its token cannot be resolved, so that the caller gets its own error', async () => {
    const events: CacheEvent[] = []
    const cache = site.client({ onEvent: (event) => events.push(event) })
    const authToken = () => {
      throw new Error('signed out')
    }
    const db = drizzleNeon({ client: neon(site.server.connectionString, { authToken }) })
    await expect(cacheQuery(cache, total(asDb(db)))).rejects.toThrow()
    expect(events).toMatchObject([{ type: 'error', operation: 'cacheQuery' }])
  })

  it('costs one request for a hit, and three for a miss', async () => {
    const cache = site.client()
    const read = () => cacheQuery(cache, total(asDb(drizzleNeon({ client: neon(site.server.connectionString) }))))
    site.faults.reset()
    await read()
    expect(site.faults.requests).toBe(3)
    await read()
    expect(site.faults.requests).toBe(4)
  })
})

describe('cacheQuery on drivers that do not reveal their database', () => {
  const proxy = (url: string) => {
    const pool = createPool(url)
    return asDb(
      drizzleProxy(async (text, params, method) => {
        const { rows } = await pool.query({ text, values: params, ...(method === 'all' ? { rowMode: 'array' } : {}) })
        return { rows }
      }),
    )
  }

  it('shares nothing between two callbacks, unless key names the database', async () => {
    const cache = site.client()
    const [one, two] = [proxy(site.database), proxy(second)]
    const read = (db: Db, key?: string) => counted(cacheQuery(cache, total(db), { key }))
    expect([await read(one), await read(two)]).toEqual([1, 2])
    expect(await read(one, 'first')).toBe(1)
    await site.db.execute(sql`delete from items`)
    expect([await read(one), await read(proxy(site.database), 'first')]).toEqual([1, 1])
    expect(await read(proxy(site.database))).toBe(0)
  })

  it('shares nothing between two PGlites, and refuses their transactions', async () => {
    const cache = memoryCache()
    const [one, two] = await Promise.all(
      [1, 2].map(async (rows) => {
        const client = await PGlite.create()
        cleanup(() => client.close())
        await client.exec(`${TABLE}; insert into items select n, 'ada' from generate_series(1, ${rows}) n`)
        return asDb(drizzlePglite({ client }))
      }),
    )
    if (one === undefined || two === undefined) throw new Error('Expected two databases.')
    const read = (db: Db) => counted(cacheQuery(cache, total(db)))
    expect([await read(one), await read(two), await read(one)]).toEqual([1, 2, 1])
    const inside = one.transaction((tx) => read(asDb(tx)))
    await expect(inside).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  }, 300_000)
})

describe('cacheQuery on one connection', () => {
  it('refuses a query in a transaction of a client, and caches the next one outside of it', async () => {
    const client = new pg.Client(site.database)
    await client.connect()
    cleanup(() => client.end())
    const cache = site.client()
    const db = drizzlePg({ client })
    const inside = db.transaction((tx) => cacheQuery(cache, total(asDb(tx))))
    await expect(inside).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(await counted(cacheQuery(cache, total(db)))).toBe(1)
  })

  it('keeps the search paths of connection settings apart', async () => {
    await site.db.execute(sql`create schema tenant`)
    await site.db.execute(sql.raw(TABLE.replace('items', 'tenant.items')))
    const cache = site.client()
    const read = (options?: string) =>
      counted(cacheQuery(cache, total(drizzlePg({ client: createPool(site.database, { options }) }))))
    expect([await read(), await read('-c search_path=tenant'), await read()]).toEqual([1, 0, 1])
  })

  it('keeps entries of two keys apart', async () => {
    const cache = site.client()
    const read = (key: string) => counted(cacheQuery(cache, total(asDb(site.db)), { key }))
    expect(await read('tenant a')).toBe(1)
    await site.db.execute(sql`delete from items`)
    expect([await read('tenant a'), await read('tenant b')]).toEqual([1, 0])
    const { entries } = await cache.list()
    expect(JSON.stringify(entries)).not.toContain('tenant')
    for (const key of ['', 5]) {
      await expect(read(key as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
  })
})

const everyDriver: typeof connectors = { ...connectors, 'neon-http': () => asDb(site.db) }

describe.each(Object.entries(everyDriver))('a hit of cacheQuery on %s', (_driver, connect) => {
  const PROTO = '{"__proto__": {"x": 1}, "b": [{"__proto__": null}]}'
  const fill = (values: string) => site.db.execute(sql.raw(`insert into items values ${values}`))
  /** Once without the cache, then a miss, then a hit after the rows were deleted. */
  async function results<T>(make: () => Promise<T[]> & { toSQL(): { sql: string; params: unknown[] } }) {
    const cache = site.client()
    const plain = await make()
    const miss = await cacheQuery<T[]>(cache, make())
    await site.db.execute(sql`delete from items`)
    const hit = await cacheQuery<T[]>(cache, make())
    return { plain, miss, hit, count: await cache.count() }
  }

  it('has bytes in the class of the driver, in nested rows too', async () => {
    await site.db.execute(sql`delete from items`)
    await fill(`(1, 'ada', null, '\\x0001ff'), (2, 'ada', null, '\\x')`)
    const db = connect(site.database)
    const { plain, miss, hit } = await results(() =>
      db
        .select({ item: { raw: items.raw }, raw: items.raw })
        .from(items)
        .orderBy(asc(items.id)),
    )
    for (const result of [miss, hit]) {
      expect(result).toStrictEqual(plain)
      expect(result.map((row) => row.raw?.constructor)).toEqual(plain.map((row) => row.raw?.constructor))
      expect(result[0]?.item?.raw?.constructor).toBe(plain[0]?.item?.raw?.constructor)
    }
  })

  it('has every key of stored JSON, whatever its name', async () => {
    await site.db.execute(sql`delete from items`)
    await fill(`(1, 'ada', '${PROTO}', null)`)
    const db = connect(site.database)
    const { plain, miss, hit, count } = await results(() => db.select({ doc: items.doc }).from(items))
    expect([JSON.stringify(miss), JSON.stringify(hit)]).toEqual([JSON.stringify(plain), JSON.stringify(plain)])
    expect(JSON.stringify(hit)).toContain('"__proto__":{"x":1}')
    expect(Object.getPrototypeOf(hit[0]?.doc)).toBe(Object.prototype)
    expect(count).toBe(1)
  })

  it('is decoded by the query’s own columns and mappers', async () => {
    class Money {
      constructor(readonly cents: number) {}
    }
    const column = (decode: (value: number) => unknown) =>
      pgTable('items', {
        id: customType<{ data: unknown; driverData: number }>({ dataType: () => 'int', fromDriver: decode })('id'),
      })
    const [money, label] = [column((value) => new Money(value)), column((value) => `no. ${value}`)]
    const inLocale = (locale: string) => (value: unknown) => (Number(value) * 1234.5).toLocaleString(locale)
    const db = connect(site.database)
    const cache = site.client()
    const read = async (select: Record<string, AnyPgColumn | ReturnType<typeof sql>>) =>
      (await cacheQuery(cache, db.select(select as { n: AnyPgColumn }).from(items)))[0]?.n
    const both = async () => [
      await read({ n: money.id }),
      await read({ n: label.id }),
      await read({ n: sql`sum(id)`.mapWith(inLocale('en-US')) as never }),
      await read({ n: sql`sum(id)`.mapWith(inLocale('de-DE')) as never }),
    ]
    const expected = [new Money(1), 'no. 1', '1,234.5', '1.234,5']
    expect(await both()).toStrictEqual(expected)
    await site.db.execute(sql`delete from items`)
    expect(await both()).toStrictEqual(expected)
    expect(await cache.count()).toBe(2)
  })
})

describe('cacheQuery refuses', () => {
  it('a refresh of a materialized view, and a select whose CTE writes', async () => {
    const cache = site.client()
    const view = pgMaterializedView('totals').as((query) => query.select({ id: items.id }).from(items))
    const written = site.db.$with('written').as(site.db.insert(items).values({ id: 9, owner: 'eve' }).returning())
    const queries = [
      site.db.refreshMaterializedView(view),
      site.db.with(written).select().from(written),
      site.db.select({ n: sql`(select 'insert into items')` }).from(items),
    ]
    for (const query of queries.slice(0, 2)) {
      await expect(cacheQuery<unknown>(cache, query)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
    expect(await cacheQuery<unknown>(cache, queries[2] as (typeof queries)[0])).toHaveLength(1)
  })
})

it('cacheQuery bypasses Drizzle’s own cache, because that would be a second one', async () => {
  const cache = site.client()
  const db = drizzleNeon({
    client: neon(site.server.connectionString),
    cache: queryCache(site.client(), { global: true }),
  })
  site.faults.reset()
  await cacheQuery(cache, total(asDb(db)))
  expect(site.faults.requests).toBe(3)
})

it('cacheQuery fills in the background after it served a stale result, and decodes both', async () => {
  const work: Promise<unknown>[] = []
  const cache = site.client({ waitUntil: (promise) => void work.push(promise) })
  const read = () => cacheQuery(cache, site.db.select().from(items), { expiration: '1h', stale: '1h' })
  await read()
  await site.db.execute(sql`update items set owner = 'bob'`)
  await site.db.execute(sql`update cache_entries set expires_at = now() - interval '1 second'`)
  expect((await read())[0]?.owner).toBe('ada')
  await Promise.all(work)
  expect((await read())[0]?.owner).toBe('bob')
})

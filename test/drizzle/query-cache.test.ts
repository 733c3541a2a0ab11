import { neon } from '@neondatabase/serverless'
import * as drizzleOrm from 'drizzle-orm'
import { eq, exists, inArray, sql } from 'drizzle-orm'
import type { CacheConfig } from 'drizzle-orm/cache/core/types'
import { drizzle as drizzleNeon } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import {
  alias,
  bigint,
  boolean,
  customType,
  date,
  integer,
  json,
  jsonb,
  numeric,
  pgSchema,
  pgTable,
  pgView,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import { drizzle as drizzlePostgres } from 'drizzle-orm/postgres-js'
import type { CacheEvent } from 'pgstash'
import { cacheQuery, type QueryCache, type QueryCacheOptions, queryCache, tableTag } from 'pgstash/drizzle'
import { cacheEntries } from 'pgstash/schema'
import postgres from 'postgres'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { cleanup } from '../setup/cleanup.ts'
import { createPool } from '../setup/databases.ts'

/** Drizzle 0.45 does not report tables that only a CTE reads, so those queries are not cached there. */
const knowsCtes = !('relations' in drizzleOrm)

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })

const users = pgTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const posts = pgTable('posts', {
  id: integer('id').primaryKey(),
  author: integer('author').references(() => users.id, { onDelete: 'cascade' }),
})
const other = pgSchema('other').table('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const kinds = pgTable('kinds', {
  id: integer('id').primaryKey(),
  big: bigint('big', { mode: 'bigint' }),
  amount: numeric('amount'),
  at: timestamp('at', { withTimezone: true }),
  day: date('day'),
  flag: boolean('flag'),
  doc: jsonb('doc'),
  plain: json('plain'),
  list: integer('list').array(),
  bytes: bytea('bytes'),
  missing: text('missing'),
})
const schema = { users, posts, other, kinds }

let site: Site

beforeAll(async () => {
  site = await createSite()
  await site.db.execute(sql`create schema other`)
  for (const statement of [
    'create table users (id int primary key, name text not null)',
    'create table posts (id int primary key, author int references users on delete cascade)',
    'create table other.users (id int primary key, name text not null)',
    `create table kinds (id int primary key, big bigint, amount numeric, at timestamptz, day date, flag boolean,
      doc jsonb, plain json, list int[], bytes bytea, missing text)`,
  ]) {
    await site.db.execute(sql.raw(statement))
  }
})
beforeEach(async () => {
  await site.db.execute(
    sql`truncate users, posts, other.users, kinds, cache_entries, cache_leases, cache_invalidations`,
  )
  await site.db.execute(sql`insert into users values (1, 'Ada'), (2, 'Ben')`)
  await site.db.execute(sql`insert into posts values (1, 1), (2, 2)`)
  await site.db.execute(sql`insert into other.users values (1, 'Other')`)
  site.faults.reset()
})

const partsOf = <T>(all: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))

const connect = {
  'neon-http': (cache: QueryCache) => drizzleNeon({ client: neon(site.server.connectionString), cache }),
  'node-postgres': (cache: QueryCache) =>
    drizzlePg({ client: createPool(site.database), cache }) as unknown as ReturnType<typeof drizzleNeon>,
  'postgres-js': (cache: QueryCache) => {
    const client = postgres(site.database, { onnotice: () => {} })
    cleanup(() => client.end())
    return drizzlePostgres({ client, cache }) as unknown as ReturnType<typeof drizzleNeon>
  },
}

describe.each(Object.entries(connect))('queryCache on %s', (_driver, connectWith) => {
  function open(options: QueryCacheOptions = {}) {
    const cache = queryCache(site.client(), options)
    return { cache, db: connectWith(cache) }
  }
  /** Bypasses Drizzle, so that it is not informed. */
  const rename = (name: string) => site.db.execute(sql`update users set name = ${name} where id = 1`)

  it('serves a query with $withCache() from the cache until Drizzle writes', async () => {
    const { db, cache } = open()
    const read = async () => (await db.select().from(users).where(eq(users.id, 1)).$withCache())[0]?.name
    expect(await read()).toBe('Ada')
    await rename('Unseen')
    expect(await read()).toBe('Ada')
    await db.update(users).set({ name: 'Eve' }).where(eq(users.id, 1))
    expect(await read()).toBe('Eve')
    expect(cache.stats()).toEqual({ hits: 1, misses: 2, rate: 1 / 3, invalidations: { users: 1 } })
  })

  it('does not cache queries without $withCache(), unless it is global', async () => {
    const { db } = open()
    await db.select().from(users)
    expect(await site.client().count()).toBe(0)
    const global = open({ global: true })
    const read = async () => (await global.db.select().from(users).orderBy(users.id))[0]?.name
    expect(await read()).toBe('Ada')
    await rename('Unseen')
    expect(await read()).toBe('Ada')
    expect((await global.db.select().from(users).orderBy(users.id).$withCache(false))[0]?.name).toBe('Unseen')
    await global.db.insert(users).values({ id: 3, name: 'Cy' })
    expect(await read()).toBe('Unseen')
  })

  it('distinguishes values by their type, and returns each unchanged', async () => {
    const { db } = open()
    const row = {
      id: 1,
      big: 9_007_199_254_740_993n,
      amount: '123456789.123456789',
      at: new Date('2026-01-02T03:04:05.678Z'),
      day: '2026-01-02',
      flag: false,
      doc: { a: [1, null, 'x'] },
      plain: ['5', 5],
      list: [1, 2],
      bytes: new Uint8Array([0, 1, 255]),
      missing: null,
    }
    await db.insert(kinds).values(row)
    const read = async () => (await db.select().from(kinds).$withCache())[0]
    const fresh = await read()
    expect(await site.client().count()).toBe(1)
    await site.db.execute(sql`delete from kinds`)
    expect(await read()).toEqual(fresh)
    expect(fresh).toMatchObject({ big: row.big, amount: row.amount, at: row.at, doc: row.doc, list: row.list })
  })

  it('invalidates tables in joins, subqueries, CTEs and aliases, and distinguishes schemas', async () => {
    const { db } = open()
    const sub = db.select({ id: users.id }).from(users).as('sub')
    const cte = db.$with('cte').as(db.select({ id: users.id }).from(users))
    const reads: Record<string, () => Promise<unknown>> = {
      join: async () => db.select().from(posts).innerJoin(users, eq(users.id, posts.author)).$withCache(),
      subquery: async () => db.select().from(posts).innerJoin(sub, eq(sub.id, posts.author)).$withCache(),
      cte: async () => db.with(cte).select().from(cte).$withCache(),
    }
    for (const read of Object.values(reads)) await read()
    const known = knowsCtes ? 3 : 2
    expect(await site.client().count()).toBe(known)
    await db.update(other).set({ name: 'Nobody' })
    expect(await site.client().count()).toBe(known)
    await db.delete(users).where(eq(users.id, 2))
    expect(await site.client().count()).toBe(0)
  })

  it('accepts a custom tag, which names one query, and autoInvalidate: false', async () => {
    const { db, cache } = open()
    const read = async () =>
      (await db.select().from(users).where(eq(users.id, 1)).$withCache({ tag: 'first' }))[0]?.name
    const pinned = async () =>
      (await db.select().from(users).where(eq(users.id, 1)).$withCache({ autoInvalidate: false }))[0]?.name
    expect([await read(), await pinned()]).toEqual(['Ada', 'Ada'])
    await rename('Unseen')
    expect([await read(), await pinned()]).toEqual(['Ada', 'Ada'])
    await cache.onMutate({ tags: 'first' })
    expect(await read()).toBe('Unseen')
    await db.update(users).set({ name: 'Eve' }).where(eq(users.id, 1))
    expect([await read(), await pinned()]).toEqual(['Eve', 'Ada'])
  })

  it('accepts every form of expiration', async () => {
    const { db } = open({ expiration: '1h' })
    const stored = async (config: CacheConfig) => {
      await site.db.execute(sql`truncate cache_entries, cache_leases`)
      await db.select().from(users).$withCache({ config })
      const [row] = await site.db.select({ at: cacheEntries.expiresAt }).from(cacheEntries)
      return row?.at?.getTime() ?? 0
    }
    const spans: [CacheConfig, number][] = [
      [{ ex: 600 }, 600_000],
      [{ px: 600_000 }, 600_000],
      [{ keepTtl: true }, 3_600_000],
      [{}, 3_600_000],
    ]
    for (const [config, ms] of spans) {
      const before = Date.now()
      const from = (await stored(config)) - ms
      // The clock of the database is this machine's, however long the call took.
      expect([from > before - 1_000, from < Date.now() + 1_000]).toEqual([true, true])
    }
    const soon = Math.ceil(Date.now() / 1_000) + 600
    for (const config of [{ exat: soon }, { pxat: soon * 1_000 }]) expect(await stored(config)).toBe(soon * 1_000)
  })

  it('caches prepared queries by their parameters', async () => {
    const { db } = open()
    const prepared = db
      .select()
      .from(users)
      .where(eq(users.id, sql.placeholder('id')))
      .$withCache()
      .prepare('by_id')
    const name = async (id: number) => (await prepared.execute({ id }))[0]?.name
    expect([await name(1), await name(2), await name(1)]).toEqual(['Ada', 'Ben', 'Ada'])
    await rename('Unseen')
    expect(await name(1)).toBe('Ada')
  })

  it('excludes the given tables and always its own, and caches nothing if disabled', async () => {
    const { db } = open({ global: true, exclude: [posts, 'other.users'] })
    await db.select().from(posts)
    await db.select().from(other)
    await db.select({ key: cacheEntries.key }).from(cacheEntries)
    expect(await site.client().count()).toBe(0)
    const disabled = open({ global: true, enabled: false })
    await disabled.db.select().from(users)
    expect(await site.client().count()).toBe(0)
  })

  it('follows foreign keys if it has the schema', async () => {
    const { db } = open({ schema })
    const read = async () => (await db.select().from(posts).$withCache()).length
    expect(await read()).toBe(2)
    await db.delete(users).where(eq(users.id, 1))
    expect(await read()).toBe(1)
  })

  it('refuses rows that were read before an invalidation, however late they arrive', async () => {
    const { cache } = open()
    expect(await cache.get('hash', ['users'], false, true)).toBe(undefined)
    await cache.onMutate({ tables: ['users'] })
    await cache.put('hash', [['old']], ['users'], false)
    expect(await site.client().count()).toBe(0)
    // Without a miss there is nothing to put.
    await cache.put('hash', [['never asked']], ['users'], false)
    expect(await site.client().count()).toBe(0)
    expect(await cache.get('hash', ['users'], false, true)).toBe(undefined)
    await cache.put('hash', [['new']], ['users'], false)
    expect(await cache.get('hash', ['users'], false, true)).toEqual([['new']])
  })

  it('treats rows as old as the oldest open miss of their key', async () => {
    const { cache } = open()
    await cache.get('hash', ['users'], false, true)
    await cache.onMutate({ tables: ['users'] })
    await cache.get('hash', ['users'], false, true)
    await cache.put('hash', [['of the first, late']], ['users'], false)
    expect(await cache.get('hash', ['users'], false, true)).toBe(undefined)
  })

  it('distinguishes concurrent rows by the array that Drizzle passes on', async () => {
    const { cache } = open()
    const [first, second, third] = [['users'], ['users'], ['users']]
    await cache.get('hash', first, false, true)
    await cache.onMutate({ tables: ['users'] })
    await cache.get('hash', second, false, true)
    await cache.put('hash', [['of the second']], second, false)
    await site.db.execute(sql`delete from cache_leases`)
    await cache.get('hash', third, false, true)
    await cache.put('hash', [['of the third']], third, false)
    await cache.put('hash', [['of the first, late']], first, false)
    expect(await cache.get('hash', ['users'], false, true)).toEqual([['of the third']])
  })

  describe('runs that Drizzle does not distinguish, such as those of a prepared query,', () => {
    // One array for all of them.
    const same = ['users']
    let cache: QueryCache
    const get = () => cache.get('hash', same, false, true)
    const put = (rows: unknown) => cache.put('hash', [rows], same, false)
    beforeEach(() => {
      cache = open().cache
    })
    afterEach(() => {
      vi.restoreAllMocks()
    })

    it('never return rows of one run for another that began later', async () => {
      await get()
      await get()
      await cache.onMutate({ tables: ['users'] })
      await put('of the second, old')
      await get()
      await put('new')
      await put('of the first, old')
      expect(await site.client().count()).toBe(0)
      // No run is pending any more, and no claim is left behind.
      await get()
      await put('new')
      expect(await get()).toEqual(['new'])
    })

    it('store the rows of the first that has answered, as of the first that began', async () => {
      await get()
      await get()
      await put('of one')
      expect(await get()).toEqual(['of one'])
      await put('of the other')
      expect(await get()).toEqual(['of one'])
    })

    it('store again after a failed run, once it and all runs that could be confused with it have ended', async () => {
      let ahead = 0
      const real = performance.now
      vi.spyOn(performance, 'now').mockImplementation(() => real.call(performance) + ahead)
      // It fails, so nothing is put.
      await get()
      await site.db.execute(sql`delete from cache_leases`)
      await get()
      await put('perhaps of the first')
      expect(await site.client().count()).toBe(0)
      // The claim has reached the longest duration of a claim, although calls never stopped.
      ahead = 200_000
      await get()
      await put('perhaps of the first')
      ahead = 301_000
      await get()
      await put('certainly newer than the claim')
      expect(await get()).toEqual(['certainly newer than the claim'])
      await cache.onMutate({ tables: ['users'] })
      ahead = 700_000
      await get()
      await put('of the only one')
      expect(await get()).toEqual(['of the only one'])
    })
  })

  it('stores the rows of a herd, however large it is', async () => {
    const { cache } = open()
    const herd = Array.from({ length: 150 }, () => ['users'])
    // In parts: together they must end before the claim of the first does.
    for (const part of partsOf(herd, 25)) {
      await Promise.all(part.map((each) => cache.get('hash', each, false, true)))
    }
    for (const part of partsOf(herd, 25)) {
      await Promise.all(part.map((each) => cache.put('hash', [['rows']], each, false)))
    }
    expect(await cache.get('hash', ['users'], false, true)).toEqual([['rows']])
  })

  it('stores rows again after a failed query', async () => {
    const { db } = open()
    const read = () =>
      db
        .select({ one: sql`1 / (${users.id} - 1)` })
        .from(users)
        .$withCache()
    await expect(read()).rejects.toThrow()
    await site.db.execute(sql`delete from users where id = 1`)
    await site.db.execute(sql`truncate cache_leases`)
    const tomorrow = performance.now() + 86_400_000
    const clock = vi.spyOn(performance, 'now').mockReturnValue(tomorrow)
    cleanup(() => clock.mockRestore())
    await read()
    clock.mockRestore()
    expect(await site.client().count()).toBe(1)
  })
})

describe('queryCache', () => {
  it('costs one request for a hit, two for a miss, and one more for a write', async () => {
    const db = drizzleNeon({ client: neon(site.server.connectionString), cache: queryCache(site.client()) })
    const read = () => db.select().from(users).$withCache()
    site.faults.reset()
    await read()
    expect(site.faults.requests).toBe(3)
    await read()
    expect(site.faults.requests).toBe(4)
    await db.update(users).set({ name: 'x' })
    expect(site.faults.requests).toBe(6)
  })

  it('runs the query if the cache’s database is unreachable, with onError miss', async () => {
    const events: CacheEvent[] = []
    const far = await createSite()
    const cache = queryCache(far.client({ onError: 'miss', onEvent: (event) => events.push(event) }))
    const strict = queryCache(far.client())
    const connectTo = (to: QueryCache) => drizzleNeon({ client: neon(site.server.connectionString), cache: to })
    far.faults.always({ kind: 'error', status: 503 })
    const read = (to: QueryCache) => connectTo(to).select().from(users).$withCache()
    expect(await read(cache)).toHaveLength(2)
    expect(cache.stats()).toMatchObject({ hits: 0, misses: 1 })
    expect(events).toMatchObject([{ type: 'error', error: { code: 'DATABASE' } }])
    await expect(read(strict)).rejects.toMatchObject({ code: 'DATABASE' })
    far.faults.heal()
  })

  it('refuses a value that is not a cache of createCache', () => {
    expect(() => queryCache({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('cacheQuery', () => {
  it('refuses a query that writes, because a hit would write nothing', async () => {
    const cache = site.client()
    for (const query of [
      site.db.insert(users).values({ id: 3, name: 'Cem' }).returning(),
      site.db.update(users).set({ name: 'Cem' }).returning(),
      site.db.delete(users).returning(),
    ]) {
      await expect(cacheQuery(cache, query)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
    expect(await site.db.$count(users)).toBe(2)
  })

  it('caches any query with custom tags, and invalidates with the tables that it reads', async () => {
    const cache = site.client()
    const db = drizzleNeon({ client: neon(site.server.connectionString) })
    const read = (id: number) =>
      cacheQuery(cache, db.select().from(users).where(eq(users.id, id)), { tags: [`user ${id}`], expiration: '1h' })
    expect((await read(1))[0]?.name).toBe('Ada')
    expect((await read(2))[0]?.name).toBe('Ben')
    await db.update(users).set({ name: 'Unseen' })
    expect((await read(1))[0]?.name).toBe('Ada')
    await cache.invalidate('user 1')
    expect([(await read(1))[0]?.name, (await read(2))[0]?.name]).toEqual(['Unseen', 'Ben'])
    await cache.invalidate(tableTag(users))
    expect((await read(2))[0]?.name).toBe('Unseen')
  })

  it('preserves dates and big numbers', async () => {
    const cache = site.client()
    const db = drizzleNeon({ client: neon(site.server.connectionString) })
    await db.insert(kinds).values({ id: 1, big: 12n, at: new Date(5) })
    const read = () => cacheQuery(cache, db.select({ big: kinds.big, at: kinds.at }).from(kinds))
    expect(await read()).toEqual([{ big: 12n, at: new Date(5) }])
    await db.delete(kinds)
    expect(await read()).toEqual([{ big: 12n, at: new Date(5) }])
    expect((await cacheQuery(cache, db.select({ at: kinds.at }).from(kinds))).length).toBe(0)
  })

  it('finds the tables of CTEs, subqueries in conditions, joins, aliases and views', async () => {
    const cache = site.client()
    const db = drizzleNeon({ client: neon(site.server.connectionString) })
    const cte = db.$with('cte').as(db.select({ id: users.id }).from(users))
    const inner = db.select({ id: users.id }).from(users)
    const twin = alias(users, 'twin')
    const names = pgView('names').as((query) => query.select({ name: users.name }).from(users))
    await site.db.execute(sql`create or replace view names as select name from users`)
    const queries = [
      () => db.with(cte).select().from(cte),
      () => db.select().from(posts).where(inArray(posts.author, inner)),
      () => db.select().from(posts).innerJoin(twin, eq(twin.id, posts.author)),
      // The query selects no column of the table.
      () => db.select({ n: sql`count(*)` }).from(twin),
      () => db.select({ n: sql`count(*)` }).from(posts).innerJoin(users, sql`true`),
      () => db.select({ n: sql`count(*)` }).from(posts).crossJoin(twin),
      () =>
        db.select({ n: sql`1` }).from(
          db
            .select({ one: sql`1`.as('one') })
            .from(twin)
            .as('ones'),
        ),
      () =>
        db
          .select({ n: sql<number>`1`.as('n') })
          .from(posts)
          .union(db.select({ n: sql<number>`2`.as('n') }).from(twin)),
      () =>
        db
          .select()
          .from(posts)
          .where(exists(db.select({ n: sql`1` }).from(twin))),
      () => db.select().from(names),
      () => db.select({ n: sql`count(*)` }).from(posts).innerJoin(names, sql`true`),
    ]
    for (const query of queries) {
      await cacheQuery<unknown>(cache, query())
      expect(await cache.count()).toBe(1)
      await cache.invalidate(tableTag(users))
      expect(await cache.count()).toBe(0)
      await cache.clear()
    }
  })

  it('decodes the same rows as each query does, whatever other queries with the same SQL make of them', async () => {
    const cache = site.client()
    const db = drizzleNeon({ client: neon(site.server.connectionString) })
    const asText = pgTable('kinds', { at: timestamp('at', { withTimezone: true, mode: 'string' }) })
    await site.db.execute(sql`insert into kinds (id, at) values (1, '1970-01-01 00:00:00+00')`)
    const count = sql`count(*)`
    const results = [
      () => db.select({ one: users.id }).from(users).limit(1),
      () => db.select({ other: users.id }).from(users).limit(1),
      () =>
        db
          .select({ user: { id: users.id } })
          .from(users)
          .limit(1),
      () => db.select({ n: sql`count(*)`.mapWith(String) }).from(users),
      () => db.select({ n: sql`count(*)`.mapWith(Number) }).from(users),
      () => db.select({ n: count.mapWith(BigInt).as('n') }).from(users),
      () => db.select({ at: kinds.at }).from(kinds),
      () => db.select({ at: asText.at }).from(asText),
      () => db.select({ kind: asText }).from(asText),
    ]
    for (const query of results) expect(await cacheQuery<unknown>(cache, query())).toEqual(await query())
    for (const query of results) expect(await cacheQuery<unknown>(cache, query())).toEqual(await query())
    // Four statements: rows are stored as the driver returned them.
    expect(await cache.count()).toBe(4)
  })

  it('distinguishes parameters of different types', async () => {
    const cache = site.client()
    const answer = (value: unknown) =>
      cacheQuery(
        cache,
        Object.assign(Promise.resolve(typeof value), { toSQL: () => ({ sql: 'select', params: [value] }) }),
      )
    expect([await answer(1), await answer('1'), await answer(1n), await answer(null)]).toEqual([
      'number',
      'string',
      'bigint',
      'object',
    ])
    await expect(answer(new (class Own {})())).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

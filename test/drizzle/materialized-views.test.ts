/** Views and materialized views: their tags, and a refresh that invalidates. */
import { neon } from '@neondatabase/serverless'
import { count, sql } from 'drizzle-orm'
import { drizzle as drizzleNeon, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgMaterializedView, pgSchema, pgTable, pgView, text } from 'drizzle-orm/pg-core'
import { type Cache, createCache, invalidation } from 'pgstash'
import { type CacheableQuery, cacheQuery, tableTag, watchTables, withInvalidation } from 'pgstash/drizzle'
import { migrate } from 'pgstash/migrate'
import { cacheTables } from 'pgstash/schema'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { createPool } from '../setup/databases.ts'

const ODD = `od"d $$ ' \\ %I <source> $pgstash$`
const users = pgTable('users', { id: integer('id').primaryKey(), name: text('name') })
const totals = pgMaterializedView('totals').as((qb) => qb.select({ n: count().as('n') }).from(users))
const known = pgMaterializedView('totals', { n: integer('n') }).existing()
const odd = pgSchema(ODD)
  .materializedView(ODD, { n: integer('n') })
  .existing()
const visible = pgView('visible').as((qb) => qb.select().from(users))
const named = pgView('visible', { id: integer('id') }).existing()

let site: Site
let cache: Cache
beforeAll(async () => {
  site = await createSite()
  cache = site.client()
  await createPool(site.database).query(`create table users (id int primary key, name text);
    create view visible as select * from users;
    create materialized view totals as select count(*)::int as n from users; create unique index on totals (n);
    create schema "${ODD.replaceAll('"', '""')}"`)
  await site.db.execute(sql`create materialized view ${odd} as select count(*)::int as n from users`)
})
beforeEach(async () => {
  await createPool(site.database).query(
    "truncate users; insert into users values (1, 'Ada'); refresh materialized view totals",
  )
  for (const [key, table] of Object.entries({ users, totals, odd, visible })) {
    await cache.set(key, 1, { tags: [tableTag(table)] })
  }
  site.faults.reset()
})
const live = async () => [...(await cache.getMany(['users', 'totals', 'odd', 'visible'])).keys()]

const connect = {
  'neon-http': () => drizzleNeon({ client: neon(site.server.connectionString) }),
  'node-postgres': () => drizzlePg({ client: createPool(site.database) }) as unknown as NeonHttpDatabase,
}

describe.each(Object.entries(connect))('refreshMaterializedView on %s', (driver, open) => {
  it.each<[string, (db: NeonHttpDatabase) => Promise<unknown>]>([
    ['plainly', async (db) => db.refreshMaterializedView(totals)],
    ['a view given only by name', async (db) => db.refreshMaterializedView(known)],
    ['concurrently', async (db) => db.refreshMaterializedView(totals).concurrently()],
    ['prepared', async (db) => db.refreshMaterializedView(totals).prepare('named').execute()],
  ])('%s refreshes the view and invalidates it, in one statement', async (_name, refresh) => {
    await site.db.execute(sql`insert into users values (2, 'Ben')`)
    site.faults.reset()
    await refresh(withInvalidation(open()))
    if (driver === 'neon-http') expect(site.faults.requests).toBe(1)
    expect(await open().select().from(known)).toEqual([{ n: 2 }])
    expect(await live()).toEqual(['users', 'odd', 'visible'])
  })

  it('accepts any legal name', async () => {
    await withInvalidation(open()).refreshMaterializedView(odd)
    expect(await live()).toEqual(['users', 'totals', 'visible'])
  })

  it('invalidates nothing if it fails', async () => {
    const missing = pgMaterializedView('missing', { n: integer('n') }).existing()
    await cache.set('totals', 1, { tags: [tableTag(missing)] })
    await expect(withInvalidation(open()).refreshMaterializedView(missing)).rejects.toThrow()
    expect(await live()).toEqual(['users', 'totals', 'odd', 'visible'])
  })

  it('records the view in the tables of the given cache', async () => {
    const tables = cacheTables({ schema: `cache ${driver}`, prefix: "it's_" })
    await migrate(open(), { tables })
    const other = createCache(open(), { tables })
    await other.set('key', 1, { tags: [tableTag(totals)] })
    await withInvalidation(open(), { tables }).refreshMaterializedView(totals)
    expect(await other.get('key')).toBe(undefined)
  })

  it('also invalidates the view as raw SQL or with touching', async () => {
    await withInvalidation(open()).touching(totals).execute('refresh materialized view totals')
    expect(await live()).toEqual(['users', 'odd', 'visible'])
    await withInvalidation(open()).execute(sql`refresh materialized view ${odd}`)
    expect(await live()).toEqual(['users', 'visible'])
  })
})

it('a refresh in a batch invalidates only if the batch commits', async () => {
  const db = withInvalidation(connect['neon-http']())
  await expect(
    db.batch([db.refreshMaterializedView(totals), db.insert(users).values({ id: 1, name: 'twice' })]),
  ).rejects.toThrow()
  expect(await live()).toEqual(['users', 'totals', 'odd', 'visible'])
  await db.batch([
    db.insert(users).values({ id: 3, name: 'Cy' }),
    db.refreshMaterializedView(totals),
    invalidation('x'),
  ])
  expect(await live()).toEqual(['odd', 'visible'])
})

it('a refresh in a transaction invalidates only if it commits', async () => {
  const db = withInvalidation(drizzlePg({ client: createPool(site.database) }))
  const refresh = (isCommitted: boolean) =>
    db.transaction(async (tx) => {
      await tx.refreshMaterializedView(totals)
      if (!isCommitted) tx.rollback()
    })
  await expect(refresh(false)).rejects.toThrow()
  expect(await live()).toContain('totals')
  await refresh(true)
  expect(await live()).not.toContain('totals')
})

describe('a cached query', () => {
  it.each<[string, (db: NeonHttpDatabase) => CacheableQuery<unknown>]>([
    ['a materialized view', (db: NeonHttpDatabase) => db.select().from(totals)],
    ['a materialized view given only by name', (db: NeonHttpDatabase) => db.select().from(known)],
    ['a join with a materialized view', (db: NeonHttpDatabase) => db.select().from(users).leftJoin(totals, sql`true`)],
    [
      'a materialized view in raw SQL',
      (db: NeonHttpDatabase) => db.select({ n: sql`(select n from ${known})` }).from(users),
    ],
  ])('on %s runs again after a refresh', async (_name, query) => {
    const db = withInvalidation(connect['neon-http']())
    await cacheQuery(cache, query(db))
    site.faults.reset()
    await cacheQuery(cache, query(db))
    expect(site.faults.requests).toBe(1)
    await db.refreshMaterializedView(totals)
    site.faults.reset()
    await cacheQuery(cache, query(db))
    expect(site.faults.requests).toBeGreaterThan(1)
  })

  it('on a view runs again after a write of its table, and after an invalidation of the view by name', async () => {
    const db = withInvalidation(connect['neon-http']())
    for (const [view, change] of [
      [visible, () => db.update(users).set({ name: 'new' })],
      [named, () => cache.invalidate(tableTag(named))],
    ] as const) {
      const query = () => db.select().from(view as typeof named)
      await cacheQuery(cache, query())
      await change()
      site.faults.reset()
      await cacheQuery(cache, query())
      expect(site.faults.requests).toBeGreaterThan(1)
    }
  })
})

it('views and materialized views have tags like tables', () => {
  expect(tableTag(totals)).toBe('table:public.totals')
  expect(tableTag(visible)).toBe(tableTag('visible'))
  expect(
    tableTag(
      pgSchema('other')
        .view('a.b', { n: integer('n') })
        .existing(),
    ),
  ).toBe('table:other.a\\.b')
})

it.each([totals, visible])('watchTables refuses a view, and gives advice', async (view) => {
  await expect(watchTables(site.db, view as never)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringMatching(/no trigger sees.+materialized view, invalidate/),
  })
})

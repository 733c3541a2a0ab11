import { neon } from '@neondatabase/serverless'
import { eq, type SQLWrapper, sql } from 'drizzle-orm'
import { drizzle as drizzleNeon, type NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { type Cache, createCache, invalidation } from 'pgstash'
import { cacheQuery, tableTag, warm, withInvalidation } from 'pgstash/drizzle'
import { purgeStatements } from 'pgstash/fetch'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'
import { createPool } from '../setup/databases.ts'

const users = pgTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const posts = pgTable('posts', {
  id: integer('id').primaryKey(),
  author: integer('author').references(() => users.id, { onDelete: 'cascade' }),
})
const comments = pgTable('comments', {
  id: integer('id').primaryKey(),
  post: integer('post').references(() => posts.id, { onDelete: 'set null' }),
})
const schema = { users, posts, comments }

let site: Site
let cache: Cache
beforeAll(async () => {
  site = await createSite()
  for (const statement of [
    'create table users (id int primary key, name text not null)',
    'create table posts (id int primary key, author int references users on delete cascade)',
    'create table comments (id int primary key, post int references posts on delete set null)',
  ]) {
    await site.db.execute(sql.raw(statement))
  }
  cache = site.client()
})
beforeEach(async () => {
  await site.db.execute(sql`truncate users, posts, comments, cache_entries, cache_leases, cache_invalidations`)
  await site.db.execute(sql`insert into users values (1, 'Ada'), (2, 'Ben')`)
  await cache.setMany({ users: 1, both: 1 }, { tags: [tableTag(users)] })
  await cache.set('posts', 1, { tags: [tableTag(posts)] })
  await cache.set('comments', 1, { tags: [tableTag(comments)] })
  site.faults.reset()
})

const connect = {
  'neon-http': () => drizzleNeon({ client: neon(site.server.connectionString) }),
  'node-postgres': () => drizzlePg({ client: createPool(site.database) }) as unknown as NeonHttpDatabase,
}
const live = async () => [...(await cache.getMany(['users', 'posts', 'comments'])).keys()]

describe.each(Object.entries(connect))('withInvalidation on %s', (driver, open) => {
  const db = () => withInvalidation(open())

  it.each<[string, (db: NeonHttpDatabase) => Promise<unknown>]>([
    ['insert', async (on) => on.insert(users).values({ id: 3, name: 'Cy' })],
    ['upsert', async (on) => on.insert(users).values({ id: 1, name: 'x' }).onConflictDoNothing()],
    ['update', async (on) => on.update(users).set({ name: 'Eve' }).where(eq(users.id, 1)).returning()],
    ['delete', async (on) => on.delete(users).where(eq(users.id, 2))],
    [
      'update after a CTE',
      async (on) => {
        const cte = on.$with('some').as(on.select({ id: posts.id }).from(posts))
        return on.with(cte).update(users).set({ name: 'x' })
      },
    ],
    ['prepared update', async (on) => on.update(users).set({ name: 'x' }).prepare('by_name').execute()],
  ])('%s invalidates its table in the same statement', async (_name, write) => {
    await write(db())
    // Over HTTP, statements are counted, too.
    if (driver === 'neon-http') expect(site.faults.requests).toBe(1)
    expect(await live()).toEqual(['posts', 'comments'])
  })

  it('select invalidates nothing, with or without a CTE, and returns its rows', async () => {
    const on = db()
    const cte = on.$with('some').as(on.select({ id: users.id }).from(users))
    expect(await on.with(cte).select().from(cte)).toEqual([{ id: 1 }, { id: 2 }])
    expect(await on.select().from(users).where(eq(users.id, 1))).toEqual([{ id: 1, name: 'Ada' }])
    expect((await on.execute(sql`select count(*)::int as n from ${users}`)).rows).toEqual([{ n: 2 }])
    expect(await live()).toEqual(['users', 'posts', 'comments'])
  })

  it('returning returns the rows', async () => {
    const rows = await db().update(users).set({ name: 'Eve' }).where(eq(users.id, 1)).returning()
    expect(rows).toEqual([{ id: 1, name: 'Eve' }])
  })

  it('raw SQL invalidates the tables that it names, or the tables given to touching', async () => {
    const result = await db().execute(sql`update ${users} set name = 'Eve' returning id`)
    expect(result.rows).toEqual([{ id: 1 }, { id: 2 }])
    expect(await live()).toEqual(['posts', 'comments'])
    await db().touching(posts, 'comments').execute('delete from posts')
    expect(await live()).toEqual([])
  })

  it('raw SQL that writes without naming a table is refused before it runs', async () => {
    await expect(db().execute(sql.raw('delete from users'))).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(site.faults.requests).toBe(0)
    expect(await site.db.$count(users)).toBe(2)
  })

  it('raw SQL that fails invalidates nothing', async () => {
    await expect(db().execute(sql`insert into ${users} values (1, 'twice')`)).rejects.toThrow()
    await expect(db().insert(users).values({ id: 1, name: 'twice' })).rejects.toThrow()
    expect(await live()).toEqual(['users', 'posts', 'comments'])
  })

  it('follows foreign keys to every depth if it has the schema', async () => {
    await withInvalidation(open(), { schema }).delete(users)
    expect(await live()).toEqual([])
  })

  it.each(['users', 'public.users', '"public"."users"'])('follows foreign keys from %s, too', async (name) => {
    await withInvalidation(open(), { schema }).touching(name).execute('delete from users')
    expect(await live()).toEqual([])
  })
})

describe('withInvalidation', () => {
  it('invalidates in a batch, if and only if the batch commits', async () => {
    const db = withInvalidation(connect['neon-http']())
    await db.batch([
      db.insert(users).values({ id: 3, name: 'Cy' }),
      db.insert(posts).values({ id: 1, author: 3 }),
      invalidation('another'),
    ])
    expect(site.faults.requests).toBe(1)
    expect(await live()).toEqual(['comments'])
    const failing = db.batch([db.update(comments).set({ post: 1 }), db.insert(users).values({ id: 3, name: 'twice' })])
    await expect(failing).rejects.toThrow()
    expect(await live()).toEqual(['comments'])
  })

  it('accepts reading raw SQL in a batch, and refuses writing raw SQL before anything is sent', async () => {
    const db = withInvalidation(connect['neon-http']())
    const [result] = await db.batch([db.execute(sql`select 1 as one`), db.select().from(users)])
    expect(result.rows).toEqual([{ one: 1 }])
    site.faults.reset()
    const both = async () =>
      db.batch([db.execute(sql`delete from ${users}`), db.insert(users).values({ id: 3, name: 'C' })])
    await expect(both()).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(site.faults.requests).toBe(0)
  })

  it('invalidates in a transaction, if and only if it commits', async () => {
    const db = withInvalidation(drizzlePg({ client: createPool(site.database) }))
    await db
      .transaction(async (tx) => {
        await tx.update(users).set({ name: 'Eve' })
        expect(await createCache(tx).get('users')).toBe(undefined)
        tx.rollback()
      })
      .catch(() => {})
    expect(await live()).toEqual(['users', 'posts', 'comments'])
    await db.transaction(async (tx) => {
      await tx.update(users).set({ name: 'Eve' })
      await tx.execute(sql`delete from ${posts}`)
      expect(await live()).toEqual(['users', 'posts', 'comments'])
    })
    expect(await live()).toEqual(['comments'])
  })

  it.each<[string, (tx: NeonHttpDatabase) => readonly SQLWrapper[]]>([
    ['invalidation()', () => [invalidation(tableTag(posts))]],
    ['the SQL of invalidation()', () => [invalidation(tableTag(posts)).getSQL()]],
    ['purgeStatements()', (tx) => purgeStatements(tx, { tags: [tableTag(posts)], urls: ['https://example.com/'] })],
  ])('runs %s unchanged, alone and in a transaction', async (_, statements) => {
    const db = withInvalidation(drizzlePg({ client: createPool(site.database) })) as unknown as NeonHttpDatabase
    for (const statement of statements(db)) await db.execute(statement)
    await db.transaction(async (tx) => {
      await tx.update(users).set({ name: 'Eve' })
      for (const statement of statements(tx as unknown as NeonHttpDatabase)) await tx.execute(statement)
    })
    expect(await live()).not.toContain('users')
    const { rows } = await site.db.execute(sql`select tag from cache_invalidations where tag like '%cache_%'`)
    expect(rows).toEqual([])
  })

  it('refuses a value that is not a database', () => {
    expect(() => withInvalidation({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(() => withInvalidation(connect['neon-http'](), { shema: {} } as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION' }),
    )
  })
})

describe('warm', () => {
  it('runs only queries whose results are missing', async () => {
    const db = connect['neon-http']()
    const query = (id: number) => db.select().from(users).where(eq(users.id, id))
    await cacheQuery(cache, query(1), { expiration: '1h' })
    expect(await warm(cache, [query(1), query(2), query(3)], { expiration: '1h', concurrency: 2 })).toBe(2)
    expect(await warm(cache, [query(1), query(2), query(3)], { expiration: '1h' })).toBe(0)
    await site.db.execute(sql`update users set name = 'unseen'`)
    expect(await cacheQuery(cache, query(2))).toEqual([{ id: 2, name: 'Ben' }])
  })

  it('gives every result the tags of a generator that can be read only once', async () => {
    const db = connect['neon-http']()
    const query = (id: number) => db.select().from(users).where(eq(users.id, id))
    await warm(cache, [query(1), query(2)], { tags: new Set(['warm']).values(), concurrency: 1 })
    await cache.invalidate('warm')
    expect(await warm(cache, [query(1), query(2)])).toBe(2)
  })

  it('continues after a failed query, and reports it at the end', async () => {
    const db = connect['neon-http']()
    const queries = [db.select({ one: sql`1 / 0` }).from(users), db.select().from(users)]
    await expect(warm(cache, queries)).rejects.toMatchObject({ name: 'AggregateError', errors: [expect.anything()] })
    expect(await warm(cache, [db.select().from(users)])).toBe(0)
    await expect(warm(cache, [], { concurrency: 0 })).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

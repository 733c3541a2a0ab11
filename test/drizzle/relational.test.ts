/** Relational queries of Drizzle 0.45, which determine their tables in another way than those of 1.0. */
import { neon } from '@neondatabase/serverless'
import { relations, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { bigint, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { cacheQuery, tableTag } from 'pgstash/drizzle'
import { beforeAll, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'

const users = pgTable('users', {
  id: integer('id').primaryKey(),
  name: text('name').notNull(),
  big: bigint('big', { mode: 'bigint' }),
  at: timestamp('at', { withTimezone: true }),
})
const posts = pgTable('posts', { id: integer('id').primaryKey(), author: integer('author').references(() => users.id) })
const postRelations = relations(posts, ({ one }) => ({
  writer: one(users, { fields: [posts.author], references: [users.id] }),
}))
const schema = { users, posts, postRelations }

let site: Site
beforeAll(async () => {
  site = await createSite()
  await site.db.execute(sql`create table users (id int primary key, name text not null, big bigint, at timestamptz)`)
  await site.db.execute(sql`create table posts (id int primary key, author int references users)`)
  await site.db.execute(sql`insert into users values (1, 'Ada', 9007199254740993, '1970-01-01 00:00:00.005+00')`)
  await site.db.execute(sql`insert into posts values (1, 1)`)
})
const open = () => drizzle(neon(site.server.connectionString), { schema })

it('relational queries are cached, and preserve dates and big numbers', async () => {
  const cache = site.client()
  const db = open()
  const read = () => cacheQuery(cache, db.query.users.findMany({ columns: { big: true, at: true } }))
  const first = await read()
  expect(first).toEqual([{ big: 9_007_199_254_740_993n, at: new Date(5) }])
  await site.db.execute(sql`update users set big = 1`)
  expect(await read()).toEqual(first)
  await cache.invalidate(tableTag(users))
  expect(await read()).toMatchObject([{ big: 1n }])
  await cache.clear()
})

it('relational queries distinguish findFirst and a list of one', async () => {
  const cache = site.client()
  const db = open()
  const [many, first] = [() => db.query.users.findMany({ limit: 1 }), () => db.query.users.findFirst()]
  expect(await cacheQuery<unknown>(cache, many())).toEqual(await many())
  expect(await cacheQuery<unknown>(cache, first())).toEqual(await first())
  await cache.clear()
})

it('relational queries are invalidated with every table that they read', async () => {
  const cache = site.client()
  const db = open()
  const queries = [() => db.query.users.findMany(), () => db.query.posts.findMany({ with: { writer: true } })]
  for (const query of queries) {
    await cacheQuery<unknown>(cache, query())
    expect(await cache.count()).toBe(1)
    await cache.invalidate(tableTag(users))
    expect(await cache.count()).toBe(0)
    await cache.clear()
  }
})

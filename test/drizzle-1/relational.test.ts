/**
 * Features of Drizzle 1.0 only: relational queries that its own cache option caches. Run with its release candidate.
 */
import { neon } from '@neondatabase/serverless'
import * as drizzleOne from 'drizzle-orm'
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/neon-http'
import { integer, pgTable, text } from 'drizzle-orm/pg-core'
import { cacheQuery, queryCache, tableTag } from 'pgstash/drizzle'
import { beforeEach, expect, it } from 'vitest'
import { createSite, type Site } from '../fill/clients.ts'

const users = pgTable('users', { id: integer('id').primaryKey(), name: text('name').notNull() })
const posts = pgTable('posts', { id: integer('id').primaryKey(), author: integer('author') })

interface Finder {
  findMany(options?: object): Promise<Record<string, unknown>[]> & { toSQL(): { sql: string; params: unknown[] } }
}
interface OneDatabase {
  query: { users: Finder; posts: Finder }
  update(table: typeof users): { set(values: object): Promise<unknown> }
}
/** The types of the tests are those of 0.45. */
const { defineRelations } = drizzleOne as unknown as {
  defineRelations(schema: object, define: (r: Record<string, never>) => object): object
}
type Builder = {
  one: Record<string, (config: object) => object>
  posts: Record<string, object>
  users: Record<string, object>
}
const relations = defineRelations({ users, posts }, (given) => {
  const r = given as unknown as Builder
  return { posts: { writer: r.one.users?.({ from: r.posts.author, to: r.users.id }) } }
})

let site: Site
beforeEach(async () => {
  site ??= await createSite()
  await site.db.execute(sql`drop table if exists posts, users`)
  await site.db.execute(sql`create table users (id int primary key, name text not null)`)
  await site.db.execute(sql`create table posts (id int primary key, author int references users)`)
  await site.db.execute(sql`insert into users values (1, 'Ada')`)
  await site.db.execute(sql`insert into posts values (1, 1)`)
  await site.db.execute(sql`truncate cache_entries, cache_leases, cache_invalidations`)
})

function open(options: object = {}): OneDatabase {
  const client = neon(site.server.connectionString)
  return drizzle({ client, relations, ...options } as never) as unknown as OneDatabase
}
/** Bypasses Drizzle, so that it is not informed. */
const rename = (name: string) => site.db.execute(sql`update users set name = ${name}`)
const nameOf = (rows: Record<string, unknown>[]) => {
  const [row] = rows
  return (row?.writer as { name?: string } | undefined)?.name ?? row?.name
}

it.each(['users', 'posts'] as const)(
  'findMany of %s with withCache is cached until a write of a table in it',
  async (table) => {
    const db = open({ cache: queryCache(site.client()) })
    const read = async () =>
      nameOf(
        await db.query[table].findMany({ withCache: true, ...(table === 'posts' ? { with: { writer: true } } : {}) }),
      )
    expect(await read()).toBe('Ada')
    await rename('Unseen')
    expect(await read()).toBe('Ada')
    await db.update(users).set({ name: 'Eve' })
    expect(await read()).toBe('Eve')
  },
)

it('findMany through cacheQuery is invalidated with every table that it reads', async () => {
  const cache = site.client()
  const db = open()
  for (const query of [() => db.query.users.findMany(), () => db.query.posts.findMany({ with: { writer: true } })]) {
    expect(nameOf(await cacheQuery(cache, query()))).toBe('Ada')
    await rename('Unseen')
    expect(nameOf(await cacheQuery(cache, query()))).toBe('Ada')
    await cache.invalidate(tableTag(users))
    expect(nameOf(await cacheQuery(cache, query()))).toBe('Unseen')
    await rename('Ada')
    await cache.invalidate(tableTag(users))
  }
})

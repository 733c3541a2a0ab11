/** Revalidations outlast the log of invalidations, which cleanup trims. */
import { sql } from 'drizzle-orm'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheHandlers, type UseCacheHandler } from 'pgstash/next'
import { beforeAll, beforeEach, expect, it } from 'vitest'
import { createLonelyDatabase, createPool } from '../../setup/databases.ts'
import { passNotedTime } from '../../tags/time.ts'
import { entryOf, textOf } from './site.ts'

let db: NodePgDatabase
let cache: Cache
let handler: UseCacheHandler

beforeAll(async () => {
  db = drizzle(createPool(await createLonelyDatabase(), { max: 1 }))
  await migrate(db)
  cache = createCache(db, { timeout: 60_000 })
  handler = cacheHandlers(cache)
})
beforeEach(async () => {
  await cache.clear()
})

/** More than ten minutes apart, like a cron trigger. */
async function trimLog(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await cache.clearExpired()
    await passNotedTime(db)
  }
  const { rows } = await db.execute<{ count: string }>(sql`select count(*) from cache_invalidations`)
  expect(Number(rows[0]?.count)).toBe(0)
}

async function fill(key: string, tags: string[] = []): Promise<void> {
  expect(await handler.get(key, [])).toBeUndefined()
  await handler.set(key, Promise.resolve(entryOf(key, { tags })))
}

it('an entry stays expired by a tag of its page', async () => {
  await fill('key', ['own'])
  await handler.updateTags(['_N_T_/page'])
  await trimLog()
  expect(await handler.get('key', ['_N_T_/page'])).toBeUndefined()
  expect(await textOf(await handler.get('key', []))).toBe('key')
})

it('an entry stays stale', async () => {
  await fill('key', ['a'])
  await handler.updateTags(['a'], { expire: 60 })
  await handler.updateTags(['other'])
  await trimLog()
  expect(await handler.get('key', [])).toMatchObject({ revalidate: -1 })
})

it('a fill that was pending all the time is outdated', async () => {
  expect(await handler.get('key', [])).toBeUndefined()
  const [own, page] = [entryOf('own', { tags: ['a'] }), entryOf('page')]
  await handler.updateTags(['a'])
  await trimLog()
  await handler.set('own', Promise.resolve(own))
  await handler.set('page', Promise.resolve(page))
  expect([await handler.get('own', []), await handler.get('page', ['a'])]).toEqual([undefined, undefined])
})

it('cleanup deletes entries that a revalidation without a lifetime expired', async () => {
  await fill('key', ['a'])
  await handler.updateTags(['a'])
  await cache.clearExpired()
  // The marker of the revalidation remains.
  expect((await cache.namespace('next').list()).entries.map(({ key }) => key)).toEqual(['expired:a'])
})

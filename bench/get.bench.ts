/** What does a hit cost on the client, and what do coalesced gets save? */
import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheEntries, live } from 'pgstash/schema'
import { it } from 'vitest'
import { createDatabase, createPool } from '../test/setup/databases.ts'
import { createNeon } from '../test/setup/neon.ts'
import { atOnce, compare } from './measure.ts'

const GETS = 4_000
const range = Array.from({ length: GETS }, (_, i) => i)

it('hits over TCP: prepared once against built at each call', async () => {
  const pool = createPool(await createDatabase(), { max: 8 })
  const db = drizzle(pool)
  await migrate(db)
  const cache = createCache(db)
  await cache.setMany(range.map((i) => [`key ${i}`, { some: 'value' }]))
  const built = (i: number) =>
    db
      .select({ value: cacheEntries.value })
      .from(cacheEntries)
      .where(sql`${cacheEntries.key} = ${`key ${i}`} and ${live()}`)
  const plain = {
    name: 'hit',
    text: 'select value, number, expires_at from cache_entries where key = $1 and (expires_at is null or expires_at > now())',
  }
  const all = (work: (i: number) => Promise<unknown>) => async () => {
    await atOnce(8, range, work)
    return GETS
  }
  await compare('hits over TCP, 8 connections', [
    { name: 'the same query built with Drizzle at each call', run: all(built) },
    { name: 'pg with a named statement, by hand', run: all((i) => pool.query({ ...plain, values: [`key ${i}`] })) },
    { name: 'cache.get', run: all((i) => cache.get(`key ${i}`)) },
    { name: 'cache.get with sliding, not due', run: all((i) => cache.get(`key ${i}`, { sliding: 60 })) },
  ])
})

it('hits over HTTP: fifty in one tick against one after another', async () => {
  const { db } = await createNeon(await createDatabase())
  await migrate(db)
  const cache = createCache(db)
  const keys = Array.from({ length: 50 }, (_, i) => `key ${i}`)
  await cache.setMany(keys.map((key) => [key, { some: 'value' }]))
  await compare('fifty gets over HTTP', [
    {
      name: 'one after another',
      run: async () => {
        for (const key of keys) await cache.get(key)
        return keys.length
      },
    },
    {
      name: 'each with a cache of its own, at once',
      run: async () => {
        await Promise.all(keys.map((key) => createCache(db).get(key)))
        return keys.length
      },
    },
    { name: 'in one tick', run: async () => (await Promise.all(keys.map((key) => cache.get(key)))).length },
    { name: 'getMany', run: async () => (await cache.getMany(keys)).size },
  ])
})

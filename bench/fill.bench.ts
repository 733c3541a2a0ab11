/** What do the read that may claim, and the fences of fills, cost? And what does one computation for all save? */
import { drizzle } from 'drizzle-orm/node-postgres'
import { type Cache, createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { it } from 'vitest'
import { createDatabase, createPool } from '../test/setup/databases.ts'
import { createNeon } from '../test/setup/neon.ts'
import { atOnce, compare } from './measure.ts'

const OPERATIONS = 3_000
const range = Array.from({ length: OPERATIONS }, (_, i) => i)

async function onPool() {
  const pool = createPool(await createDatabase(), { max: 8 })
  const db = drizzle(pool)
  await migrate(db)
  return { pool, cache: createCache(db) }
}

const all = (work: (i: number) => Promise<unknown>) => async () => {
  await atOnce(8, range, work)
  return OPERATIONS
}

it('hits over TCP', async () => {
  const { cache } = await onPool()
  await cache.setMany(range.map((i) => [`key ${i}`, { some: 'value' }]))
  const compute = () => {
    throw new Error('A hit.')
  }
  await compare('hits over TCP, 8 connections', [
    { name: 'get', run: all((i) => cache.get(`key ${i}`)) },
    { name: 'getOrSet', run: all((i) => cache.getOrSet(`key ${i}`, compute)) },
    {
      name: 'getOrSet, sliding, not due',
      run: all((i) => cache.getOrSet(`key ${i}`, compute, { sliding: true, expiration: 60 })),
    },
  ])
})

it('misses and removals over TCP', async () => {
  const { pool, cache } = await onPool()
  let round = 0
  const miss = (i: number) => cache.getOrSet(`miss ${round}:${i}`, { some: 'value' })
  const readAndSet = async (i: number) => {
    if ((await cache.get(`set ${round}:${i}`)) === undefined) await cache.set(`set ${round}:${i}`, { some: 'value' })
  }
  const anew = (work: (i: number) => Promise<unknown>) => async () => {
    round++
    return all(work)()
  }
  await compare('misses over TCP, 8 connections', [
    { name: 'get, then set: nothing keeps others from it', run: anew(readAndSet) },
    { name: 'getOrSet', run: anew(miss) },
  ])
  const refilled = (work: (i: number) => Promise<unknown>) => async () => {
    await cache.setMany(range.map((i) => [`key ${i}`, { some: 'value' }]))
    return all(work)()
  }
  const plain = { name: 'plain', text: 'delete from cache_entries where key = $1' }
  await compare('deletes over TCP, 8 connections, the writing before each included', [
    { name: 'a plain delete by hand', run: refilled((i) => pool.query({ ...plain, values: [`key ${i}`] })) },
    { name: 'delete', run: refilled((i) => cache.delete(`key ${i}`)) },
  ])
})

it('thirty clients find one key missing, over HTTP', async () => {
  const { db } = await createNeon(await createDatabase())
  await migrate(db)
  const clients = Array.from({ length: 30 }, () => createCache(db))
  let round = 0
  const computed = { naive: 0, getOrSet: 0 }
  const compute = (who: keyof typeof computed) => async () => {
    computed[who]++
    await new Promise((resolve) => setTimeout(resolve, 20))
    return 'value'
  }
  const naive = async (cache: Cache, key: string) => {
    if ((await cache.get(key)) === undefined) await cache.set(key, await compute('naive')())
  }
  const rounds = (work: (cache: Cache, key: string) => Promise<unknown>) => async () => {
    for (let i = 0; i < 10; i++) {
      const key = `cold ${round++}`
      await Promise.all(clients.map((cache) => work(cache, key)))
    }
    return 10
  }
  await compare('rounds of thirty clients on a cold key', [
    { name: 'get, compute, set', run: rounds(naive) },
    { name: 'getOrSet', run: rounds((cache, key) => cache.getOrSet(key, compute('getOrSet'))) },
  ])
  console.log(`  computations for ${60} rounds each: ${computed.naive} against ${computed.getOrSet}`)
})

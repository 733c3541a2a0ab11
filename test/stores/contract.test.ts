import { drizzle } from 'drizzle-orm/node-postgres'
import { createCacheManager, withMetrics } from 'pgstash'
import { cacheTables } from 'pgstash/schema'
import { cacheContract, type StoreUnderTest } from 'pgstash/testing'
import { describe, expect, it } from 'vitest'
import { createDatabase, createPool } from '../setup/databases.ts'
import { lazily } from '../setup/lazily.ts'
import { postgresStore } from '../setup/postgres-store.ts'
import { memoryStore } from './memory-store.ts'
import { shardedStore } from './sharded-store.ts'
import { tieredStore } from './tiered-store.ts'

const runner = { describe, it, expect }

describe('memoryCache', () => cacheContract(runner, memoryStore()))

describe('shardedCache over three memory caches', () =>
  cacheContract(runner, shardedStore({ a: memoryStore(), b: memoryStore(), c: memoryStore() })))

describe('shardedCache over three sets of tables', () =>
  cacheContract(
    runner,
    lazily(async () => {
      const db = drizzle(createPool(await createDatabase()))
      const prefixes = ['a_', 'b_', 'c_']
      const stores = prefixes.map(async (prefix) => [prefix, await postgresStore(db, cacheTables({ prefix }))] as const)
      return shardedStore(Object.fromEntries(await Promise.all(stores)))
    }),
  ))

describe('shardedCache over a sharded cache and a memory cache', () =>
  cacheContract(
    runner,
    shardedStore({ inner: shardedStore({ a: memoryStore(), b: memoryStore() }), c: memoryStore() }),
  ))

describe('tieredCache over two memory caches', () => cacheContract(runner, tieredStore(memoryStore(), memoryStore())))

describe('tieredCache over a memory cache and tables', () =>
  cacheContract(
    runner,
    lazily(async () => {
      const db = drizzle(createPool(await createDatabase()))
      return tieredStore(memoryStore(), await postgresStore(db))
    }),
  ))

describe('a cache manager with metrics', () => {
  const store = memoryStore()
  const wrapped: StoreUnderTest = {
    ...store,
    create: async (options) =>
      withMetrics(createCacheManager({ default: 'own', stores: { own: await store.create(options) } })),
  }
  cacheContract(runner, wrapped)
})

/** The rules of the port that no test through a cache can reach, for every store. */
import { drizzle } from 'drizzle-orm/node-postgres'
import type { Store } from 'pgstash'
import { type StoresUnderTest, type StoreUnderTest, storeContract, type TestRunner } from 'pgstash/testing'
import { describe, expect, it } from 'vitest'
import { engineOf } from '../../src/cache/engine.ts'
import { createDatabase, createPool } from '../setup/databases.ts'
import { lazily } from '../setup/lazily.ts'
import { postgresStore } from '../setup/postgres-store.ts'
import { cacheOverStores, keyValueStores } from './key-value-store.ts'
import { memoryStore } from './memory-store.ts'
import { shardedStore } from './sharded-store.ts'
import { tieredStore } from './tiered-store.ts'

const runner = { describe, it, expect }

/** The store below a cache. */
function below(store: StoreUnderTest): StoresUnderTest {
  return { ...store, create: async () => engineOf(await store.create())?.store as Store }
}

/** Leaves out tests of rules that a store does not claim to keep. */
function without(...names: string[]): TestRunner {
  return { ...runner, it: (name, run) => (names.includes(name) ? it.skip : it)(name, run) }
}

/** A batch is atomic on each node, and not over all. */
const ACROSS_NODES = 'a write of two keys and a read: the read has both values or neither'
/** A copy in the first tier does not say how long its entry lives. */
const OF_COPIES = [
  'have what a copy needs, if the caller keeps one',
  'comes with the time for which the reader may have it, stale included',
]

describe('the memory store', () => storeContract(runner, below(memoryStore())))
describe('the Postgres store', () =>
  storeContract(runner, below(lazily(async () => postgresStore(drizzle(createPool(await createDatabase())))))))
describe('a sharded store', () =>
  storeContract(
    without(ACROSS_NODES),
    below(shardedStore({ a: memoryStore(), b: cacheOverStores(keyValueStores()), c: memoryStore() })),
  ))
describe('a tiered store', () =>
  storeContract(without(...OF_COPIES), below(tieredStore(memoryStore(), cacheOverStores(keyValueStores())))))

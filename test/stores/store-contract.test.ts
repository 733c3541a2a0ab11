/** The rules of the store interface that no test through a cache can reach, for every store. */
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

/** Returns the store below a cache. */
function below(store: StoreUnderTest): StoresUnderTest {
  return { ...store, create: async () => engineOf(await store.create())?.store as Store }
}

/** The contract, without the rules that a store does not promise. */
function contractWithout(names: readonly string[], stores: StoresUnderTest): void {
  const seen = new Set<string>()
  const unless = (name: string, define: () => void) => {
    seen.add(name)
    if (!names.includes(name)) define()
  }
  const recording: TestRunner = {
    ...runner,
    describe: (name, define) => unless(name, () => describe(name, define)),
    it: (name, run) => unless(name, () => it(name, run)),
  }
  storeContract(recording, stores)
  it('all omitted rules exist in the contract', () => {
    expect(names.filter((name) => !seen.has(name))).toEqual([])
  })
}

/** A batch is atomic on each node, but not across nodes. */
const ACROSS_NODES = 'a write of two keys and a read: the read has both values or neither'
/** A copy in the first tier knows only its own remaining life, not the life or stale window of its entry. */
const OF_COPIES = ['have the fields that a copy needs, if the caller keeps one', 'a live value']

describe('the memory store', () => storeContract(runner, below(memoryStore())))
describe('the Postgres store', () =>
  storeContract(runner, below(lazily(async () => postgresStore(drizzle(createPool(await createDatabase())))))))
describe('a sharded store', () =>
  contractWithout(
    [ACROSS_NODES],
    below(shardedStore({ a: memoryStore(), b: cacheOverStores(keyValueStores()), c: memoryStore() })),
  ))
describe('a tiered store', () =>
  contractWithout(OF_COPIES, below(tieredStore(memoryStore(), cacheOverStores(keyValueStores())))))

/**
 * The example of docs/guides/custom-stores.md over an in-memory storage that answers asynchronously, like a remote one.
 */
import { cacheOver, type EngineOptions, type Store } from 'pgstash'
import type { StoreUnderTest } from 'pgstash/testing'
import { KeyValueStore, type Transaction, type TransactionalStorage } from '../../docs/snippets/stores/own-store.ts'

/**
 * A storage with one transaction at a time. Each access lets other work run first.
 *
 * @param isAtomic false for a storage whose transactions interleave
 */
export function createKeyValueStorage({ isAtomic = true } = {}): TransactionalStorage {
  const records = new Map<string, unknown>()
  let last: Promise<unknown> = Promise.resolve()
  const transaction: Transaction = {
    get: async <T>(key: string) => structuredClone((await later(records)).get(key)) as T | undefined,
    put: async (key, value) => void (await later(records)).set(key, structuredClone(value)),
    delete: async (key) => (await later(records)).delete(key),
    list: async <T>({ prefix }: { prefix: string }) => {
      const found = [...(await later(records))].filter(([key]) => key.startsWith(prefix))
      return structuredClone(new Map(found)) as Map<string, T>
    },
  }
  return {
    transaction(work) {
      if (!isAtomic) return work(transaction)
      const own = last.then(() => work(transaction))
      last = own.catch(() => {})
      return own
    },
  }
}

async function later<T>(value: T): Promise<T> {
  await null
  return value
}

export interface StoreOnClock {
  create(): Store
  reset(): Promise<void>
  advance(ms: number): Promise<void>
}

/** The example, with a clock that a test can move. */
export function keyValueStores(): StoreOnClock {
  let ahead = 0
  let storage = createKeyValueStorage()
  return {
    create: () => new KeyValueStore(storage, () => Date.now() + ahead),
    async reset() {
      storage = createKeyValueStorage()
    },
    async advance(ms) {
      ahead += ms
    },
  }
}

/** A cache over these stores, as the contract needs it. */
export function cacheOverStores(stores: StoreOnClock, options: EngineOptions = {}): StoreUnderTest {
  return { ...stores, create: (given) => cacheOver(stores.create(), { ...options, ...given }) }
}

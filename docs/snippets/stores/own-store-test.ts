import { cacheOver } from 'pgstash'
import { cacheContract, storeContract } from 'pgstash/testing'
import { describe, expect, it } from 'vitest'
import { KeyValueStore, type TransactionalStorage } from './own-store.ts'

/** Each test gets an empty storage, and sets the store's clock forward instead of waiting. */
export function testStore(createStorage: () => TransactionalStorage): void {
  let storage = createStorage()
  let ahead = 0
  const create = () => new KeyValueStore(storage, () => Date.now() + ahead)
  const hooks = {
    async reset() {
      storage = createStorage()
    },
    async advance(ms: number) {
      ahead += ms
    },
  }
  const runner = { describe, it, expect }
  describe('the store', () => storeContract(runner, { create, ...hooks }))
  describe('a cache over it', () =>
    cacheContract(runner, { create: (options) => cacheOver(create(), options), ...hooks }))
}

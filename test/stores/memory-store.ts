/** The memory cache, as the contract needs it. */
import type { StoreUnderTest } from 'pgstash/testing'
import { memoryCacheOver } from '../../src/stores/memory/create-memory-cache.ts'
import { createStorage } from '../../src/stores/memory/storage.ts'

export function memoryStore(): StoreUnderTest {
  let ahead = 0
  const limits = { maxEntries: 10_000, maxBytes: 32 * 1024 * 1024, now: () => Date.now() + ahead }
  let storage = createStorage(limits)
  return {
    create: (options = {}) => memoryCacheOver(storage, options),
    async reset() {
      storage = createStorage(limits)
    },
    async advance(ms) {
      ahead += ms
    },
  }
}

/** A tiered cache, as the contract needs it. */
import { tieredCache } from 'pgstash'
import type { StoreUnderTest } from 'pgstash/testing'

/**
 * All caches created here share both tiers, because the contract treats them as one cache. Other tests cover how long a
 * copy may lag.
 */
export function tieredStore(near: StoreUnderTest, far: StoreUnderTest): StoreUnderTest {
  return {
    async create(options = {}) {
      const { expiration: _, ...own } = options
      const l1 = await near.create(own)
      return tieredCache({ l1, l2: await far.create(options), l1Expiration: '1h' })
    },
    reset: async () => void (await Promise.all([near.reset(), far.reset()])),
    advance: async (ms) => void (await Promise.all([near.advance(ms), far.advance(ms)])),
  }
}

/** A sharded cache, as the contract needs it. */
import { shardedCache } from 'pgstash'
import type { StoreUnderTest } from 'pgstash/testing'

/** The namespace belongs to the sharded cache, not to its nodes: the whole path of a key chooses its node. */
export function shardedStore(stores: Record<string, StoreUnderTest>): StoreUnderTest {
  const each = (work: (store: StoreUnderTest) => Promise<void>) => Promise.all(Object.values(stores).map(work))
  return {
    async create({ namespace, ...options } = {}) {
      const nodes = await Promise.all(
        Object.entries(stores).map(async ([name, store]) => [name, await store.create(options)] as const),
      )
      return shardedCache({ nodes: Object.fromEntries(nodes), namespace })
    },
    reset: async () => void (await each((store) => store.reset())),
    advance: async (ms) => void (await each((store) => store.advance(ms))),
  }
}

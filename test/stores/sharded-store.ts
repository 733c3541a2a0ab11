/** A sharded cache, as the contract wants it. */
import { shardedCache } from 'pgstash'
import type { StoreUnderTest } from 'pgstash/testing'

/** The namespace is the whole's and not the nodes': a key has its node by its whole path. */
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

import KeyvPostgres from '@keyv/postgres'
import { Cacheable, CacheableMemory, KeyvCacheableMemory } from 'cacheable'
import { Keyv } from 'keyv'
import { POOL_SIZE } from '../harness/bench.ts'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

const ttl = TTL_SECONDS * 1_000

/** In memory it is CacheableMemory with its defaults, which copies values; in tiers it is Cacheable over @keyv/postgres. */
export default {
  name: 'cacheable',
  transports: ['memory', 'tiered'],
  packages: ['cacheable', '@keyv/postgres'],
  async prepare(bench, { transport }) {
    if (transport === 'memory') {
      return async () => {
        const memory = new CacheableMemory({ ttl, lruSize: 10_000 })
        return { get: async (key) => memory.get(key), set: async (key, value) => memory.set(key, value) }
      }
    }
    const url = await bench.createDatabase()
    return async () => {
      const primary = new Keyv({ store: new KeyvCacheableMemory({ lruSize: 10_000 }) })
      const secondary = new Keyv({ store: new KeyvPostgres({ uri: url, max: POOL_SIZE }) })
      const cache = new Cacheable({ primary, secondary, ttl })
      return {
        get: (key) => cache.get(key),
        set: (key, value) => cache.set(key, value),
        getOrSet: (key, compute) => cache.getOrSet(key, compute),
        close: () => cache.disconnect(),
      }
    }
  },
} satisfies Peer

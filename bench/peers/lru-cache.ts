import { LRUCache } from 'lru-cache'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

/** Returns the stored object itself, so a caller that changes it changes the cache. */
export default {
  name: 'lru-cache',
  transports: ['memory'],
  packages: ['lru-cache'],
  prepare: async () => async () => {
    const cache = new LRUCache<string, object>({ max: 10_000, ttl: TTL_SECONDS * 1_000 })
    return {
      get: async (key) => cache.get(key),
      set: async (key, value) => cache.set(key, value as object),
    }
  },
} satisfies Peer

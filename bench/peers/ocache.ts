import { createMemoryStorage } from 'ocache'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

/** Its storage in memory. Its cached functions answer the question about responses. */
export default {
  name: 'ocache',
  transports: ['memory'],
  packages: ['ocache'],
  prepare: async () => async () => {
    const storage = createMemoryStorage({ maxSize: 10_000 })
    return {
      get: async (key) => storage.get(key),
      set: async (key, value) => storage.set(key, value, { ttl: TTL_SECONDS }),
    }
  },
} satisfies Peer

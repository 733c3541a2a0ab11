import { Keyv } from 'keyv'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

/** Its default store, a Map of JSON texts without a bound. */
export default {
  name: 'keyv (Map)',
  transports: ['memory'],
  packages: ['keyv'],
  prepare: async () => async () => {
    const keyv = new Keyv({ ttl: TTL_SECONDS * 1_000 })
    return { get: (key) => keyv.get(key), set: (key, value) => keyv.set(key, value) }
  },
} satisfies Peer

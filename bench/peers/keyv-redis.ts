import KeyvRedis from '@keyv/redis'
import { Keyv } from 'keyv'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

/** Over one connection, on which its client pipelines. */
export default {
  name: '@keyv/redis',
  transports: ['tcp'],
  packages: ['@keyv/redis', 'keyv'],
  async prepare(bench, { roundTripMs }) {
    const server = await bench.redis()
    if (server === undefined) return 'redis-server is not installed'
    const url = await bench.delayed(server, roundTripMs)
    return async () => {
      const keyv = new Keyv({ store: new KeyvRedis(url), ttl: TTL_SECONDS * 1_000 })
      return {
        get: (key) => keyv.get(key),
        set: (key, value) => keyv.set(key, value),
        getMany: (keys) => keyv.getMany(keys),
        setMany: (entries) => keyv.setMany(entries.map(([key, value]) => ({ key, value }))),
        close: () => keyv.disconnect(),
      }
    }
  },
} satisfies Peer

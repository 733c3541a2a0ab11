import KeyvPostgres from '@keyv/postgres'
import { Keyv } from 'keyv'
import { POOL_SIZE } from '../harness/bench.ts'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

export default {
  name: '@keyv/postgres',
  transports: ['tcp'],
  packages: ['@keyv/postgres', 'keyv'],
  async prepare(bench, { roundTripMs }) {
    const url = await bench.delayed(await bench.createDatabase(), roundTripMs)
    return async () => {
      const keyv = new Keyv({ store: new KeyvPostgres({ uri: url, max: POOL_SIZE }), ttl: TTL_SECONDS * 1_000 })
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

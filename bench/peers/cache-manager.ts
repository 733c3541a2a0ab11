import KeyvPostgres from '@keyv/postgres'
import { createCache } from 'cache-manager'
import { Keyv } from 'keyv'
import { POOL_SIZE } from '../harness/bench.ts'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

const ttl = TTL_SECONDS * 1_000

export default {
  name: 'cache-manager',
  transports: ['tcp', 'memory', 'tiered'],
  packages: ['cache-manager', '@keyv/postgres', 'keyv'],
  async prepare(bench, { transport, roundTripMs }) {
    const database = transport === 'memory' ? undefined : await bench.createDatabase()
    const url = database === undefined ? undefined : await bench.delayed(database, roundTripMs)
    return async () => {
      const stores: Keyv[] = []
      if (transport !== 'tcp') stores.push(new Keyv())
      if (url !== undefined) stores.push(new Keyv({ store: new KeyvPostgres({ uri: url, max: POOL_SIZE }) }))
      const cache = createCache({ stores, ttl })
      return {
        get: (key) => cache.get(key),
        set: (key, value) => cache.set(key, value),
        getMany: (keys) => cache.mget(keys),
        setMany: (entries) => cache.mset(entries.map(([key, value]) => ({ key, value }))),
        getOrSet: (key, compute) => cache.wrap(key, compute),
        close: () => cache.disconnect(),
      }
    }
  },
} satisfies Peer

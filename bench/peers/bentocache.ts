import { BentoCache, bentostore } from 'bentocache'
import { knexDriver } from 'bentocache/drivers/knex'
import { memoryDriver } from 'bentocache/drivers/memory'
import knexModule from 'knex'
import { POOL_SIZE } from '../harness/bench.ts'
import { type Peer, TTL_SECONDS } from '../harness/provider.ts'

const ttl = TTL_SECONDS * 1_000

export default {
  name: 'bentocache',
  transports: ['tcp', 'memory', 'tiered'],
  packages: ['bentocache', 'knex'],
  async prepare(bench, { transport, roundTripMs }) {
    const database = transport === 'memory' ? undefined : await bench.createDatabase()
    const url = database === undefined ? undefined : await bench.delayed(database, roundTripMs)
    return async () => {
      let store = bentostore()
      if (transport !== 'tcp') store = store.useL1Layer(memoryDriver({ maxItems: 10_000 }))
      if (url !== undefined) {
        const connection = knexModule({ client: 'pg', connection: url, pool: { min: 0, max: POOL_SIZE } })
        store = store.useL2Layer(knexDriver({ connection, pruneInterval: false }))
      }
      const bento = new BentoCache({ default: 'only', stores: { only: store } })
      return {
        get: (key) => bento.get({ key }),
        set: (key, value) => bento.set({ key, value, ttl }),
        setTagged: (key, value, tags) => bento.set({ key, value, ttl, tags }),
        invalidate: (tag) => bento.deleteByTag({ tags: [tag] }),
        getOrSet: (key, factory) => bento.getOrSet({ key, factory, ttl }),
        close: () => bento.disconnectAll(),
      }
    }
  },
} satisfies Peer

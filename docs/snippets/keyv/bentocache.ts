import type { Cache } from 'pgstash'

/** A second tier for bentocache 1.6: `bentostore().useL2Layer(pgstashDriver(cache))`. */
export const pgstashDriver = (cache: Cache) => ({
  options: {},
  factory: () => driverOver(cache.namespace('bentocache')),
})

function driverOver(cache: Cache) {
  return {
    type: 'l2' as const,
    name: 'pgstash',
    namespace: (name: string) => driverOver(cache.namespace(name)),
    get: (key: string) => cache.get<string>(key),
    pull: (key: string) => cache.pull<string>(key),
    delete: (key: string) => cache.delete(key),
    async set(key: string, value: string, ttl?: number) {
      await cache.set(key, value, { expiration: ttl === undefined ? null : { milliseconds: ttl } })
      return true
    },
    async deleteMany(keys: string[]) {
      await cache.deleteMany(keys)
      return true
    },
    async clear() {
      await cache.clear()
    },
    async disconnect() {},
  }
}

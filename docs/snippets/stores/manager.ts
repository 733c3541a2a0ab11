import { createCache, createCacheManager, type Database, memoryCache, nullCache, setDefaultCache } from 'pgstash'

export function createCaches(db: Database) {
  const caches = createCacheManager({
    default: 'postgres',
    stores: { postgres: createCache(db), memory: memoryCache(), off: nullCache() },
  })
  // From now on, a cached function without a `cache` option uses this one.
  setDefaultCache(caches)
  return caches
}

import { createCache, createCacheManager, type Database, memoryCache, nullCache, setDefaultCache } from 'pgstash'

export function createCaches(db: Database) {
  const caches = createCacheManager({
    default: 'postgres',
    stores: { postgres: createCache(db), memory: memoryCache(), off: nullCache() },
  })
  // What is not given a cache, such as a cached function, uses this one from now on.
  setDefaultCache(caches)
  return caches
}

import { createCache, type Database, memoryCache, tieredCache } from 'pgstash'

/** Copies of a thousand entries in this isolate, at most five seconds behind what others write. */
export function createNear(db: Database) {
  return tieredCache({ l1: memoryCache({ maxEntries: 1_000 }), l2: createCache(db), l1Expiration: '5s' })
}

import { createCache, type Database, memoryCache, tieredCache } from 'pgstash'

/** Keeps copies of a thousand entries in this isolate. A copy is at most five seconds old. */
export function createNear(db: Database) {
  return tieredCache({ l1: memoryCache({ maxEntries: 1_000 }), l2: createCache(db), l1Expiration: '5s' })
}

import { createCache, type Database, shardedCache } from 'pgstash'

/** Three databases; the third is twice as large. */
export function createSpread(databases: { a: Database; b: Database; c: Database }) {
  return shardedCache({
    nodes: { a: createCache(databases.a), b: createCache(databases.b), c: createCache(databases.c) },
    weights: { c: 2 },
    onError: 'miss',
  })
}

import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'

/** Each run of `clearExpired` brings the cache back to about a million entries and a gigabyte. */
export function boundedCache(db: NeonHttpDatabase) {
  return createCache(db, { namespace: 'shop', maxEntries: 1_000_000, maxBytes: 1024 ** 3 })
}

import type { NeonHttpDatabase } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'

/** At most about a million entries and a gigabyte, kept to by each run of `clearExpired`. */
export function boundedCache(db: NeonHttpDatabase) {
  return createCache(db, { namespace: 'shop', maxEntries: 1_000_000, maxBytes: 1024 ** 3 })
}

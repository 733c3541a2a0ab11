import { desc } from 'drizzle-orm'
import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import { createCache } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { cacheTables, live } from 'pgstash/schema'

// The tables are named stash.shop_cache_entries and so on, so several caches can live in one database.
const tables = cacheTables({ schema: 'stash', prefix: 'shop_' })

export async function setUp(db: NodePgDatabase) {
  await migrate(db, { tables })
  return createCache(db, { tables, namespace: 'carts' })
}

/** These are ordinary tables. Query them with Drizzle, and with the predicates that the cache itself uses. */
export function newestKeys(db: NodePgDatabase) {
  const { entries } = tables
  return db.select({ key: entries.key }).from(entries).where(live(tables)).orderBy(desc(entries.createdAt)).limit(10)
}

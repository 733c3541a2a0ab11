/** The cache on a Drizzle database, as the contract wants it. */
import { sql } from 'drizzle-orm'
import { type CacheTables, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { defaultTables } from 'pgstash/schema'
import type { StoreUnderTest } from 'pgstash/testing'

export async function postgresStore(db: Database, tables: CacheTables = defaultTables): Promise<StoreUnderTest> {
  await migrate(db, { tables })
  return {
    create: (options) => createCache(db, { tables, timeout: 60_000, ...options }),
    async reset() {
      await db.execute(sql`truncate ${tables.entries}, ${tables.leases}, ${tables.invalidations}`)
    },
    advance: (ms) => advance(db, ms, tables),
  }
}

/** Moves every deadline and lease back, as if so many milliseconds had passed. */
export async function advance(db: Database, ms: number, tables: CacheTables = defaultTables): Promise<void> {
  const span = sql`${ms}::float8 * interval '1 millisecond'`
  await db.execute(sql`update ${tables.entries} set
    expires_at = expires_at - ${span}, kept_until = kept_until - ${span},
    created_at = created_at - ${span}, updated_at = updated_at - ${span}`)
  await db.execute(sql`update ${tables.leases} set expires_at = expires_at - ${span}`)
}

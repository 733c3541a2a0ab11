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
    reset: () => emptyTables(db, tables),
    advance: (ms) => advance(db, ms, tables),
  }
}

/**
 * Each table by itself: one statement for all locks them in an order of its own, and so may deadlock with what the test
 * before left under way.
 */
export async function emptyTables(db: Database, tables: CacheTables = defaultTables): Promise<void> {
  const { entries, leases, invalidations } = tables
  for (const table of [leases, entries, invalidations]) await db.execute(sql`truncate ${table}`)
}

/** Moves every deadline and lease back, as if so many milliseconds had passed. */
export async function advance(db: Database, ms: number, tables: CacheTables = defaultTables): Promise<void> {
  const span = sql`${ms}::float8 * interval '1 millisecond'`
  await db.execute(sql`update ${tables.entries} set
    expires_at = expires_at - ${span}, kept_until = kept_until - ${span},
    created_at = created_at - ${span}, updated_at = updated_at - ${span}`)
  await db.execute(sql`update ${tables.leases} set expires_at = expires_at - ${span}`)
}

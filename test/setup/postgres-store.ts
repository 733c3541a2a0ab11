/** The cache over a Drizzle database, for the contract. */
import { type SQL, sql } from 'drizzle-orm'
import { type CacheTables, createCache, type Database } from 'pgstash'
import { migrate } from 'pgstash/migrate'
import { defaultTables } from 'pgstash/schema'
import type { StoreUnderTest } from 'pgstash/testing'

export async function postgresStore(db: Database, tables: CacheTables = defaultTables): Promise<StoreUnderTest> {
  await migrate(db, { tables })
  return {
    create: (options) => createCache(db, { tables, timeout: 60_000, ...options }),
    async reset() {
      await checkSlots(db, tables)
      await emptyTables(db, tables)
    },
    advance: (ms) => advance(db, ms, tables),
  }
}

/** The slot of an instant. It imports nothing from src, because this file is also used beside the packed package. */
const slotOf = (instant: SQL) =>
  sql`floor(extract(epoch from (${instant} - timestamptz '2000-01-01 00:00:00+00')) / 600)::int`

/** Fails if a statement of the previous test left a row in a slot that does not match its deadline. */
async function checkSlots(db: Database, { entries, leases }: CacheTables): Promise<void> {
  const wrong = await db.execute(sql`select
    exists (select from ${entries} where cleanup_slot is distinct from ${slotOf(sql.raw('kept_until'))})
    or exists (select from ${leases} where cleanup_slot is distinct from ${slotOf(sql.raw('expires_at'))}) as wrong`)
  if (/"wrong":"?t/.test(JSON.stringify(wrong))) throw new Error('Expected each row to be in the slot of its deadline.')
}

/**
 * Truncates each table in its own statement. One statement for all would lock them in an order of its own, and could deadlock
 * with statements of the previous test that still run.
 */
export async function emptyTables(db: Database, tables: CacheTables = defaultTables): Promise<void> {
  const { entries, leases, invalidations } = tables
  for (const table of [leases, entries, invalidations]) await db.execute(sql`truncate ${table}`)
}

/** Moves every deadline and lease back, as if this many milliseconds had passed. */
export async function advance(db: Database, ms: number, tables: CacheTables = defaultTables): Promise<void> {
  const span = sql`${ms}::float8 * interval '1 millisecond'`
  await db.execute(sql`update ${tables.entries} set
    expires_at = expires_at - ${span}, kept_until = kept_until - ${span},
    created_at = created_at - ${span}, updated_at = updated_at - ${span},
    cleanup_slot = ${slotOf(sql`(kept_until - ${span})`)}`)
  await db.execute(sql`update ${tables.leases} set expires_at = expires_at - ${span},
    cleanup_slot = ${slotOf(sql`(expires_at - ${span})`)}`)
}

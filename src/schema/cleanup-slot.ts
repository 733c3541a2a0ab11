import { type SQL, sql } from 'drizzle-orm'

/** Entries that leave within the same ten minutes share a slot. A touch within a slot changes no index (HOT). */
const CLEANUP_SLOT_SECONDS = 600

/** The slot of an instant. */
export function cleanupSlot(instant: SQL): SQL {
  return sql`floor(extract(epoch from (${instant} - timestamptz '2000-01-01 00:00:00+00')) / ${sql.raw(String(CLEANUP_SLOT_SECONDS))})::int`
}

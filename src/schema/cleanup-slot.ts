import { type SQL, sql } from 'drizzle-orm'

/** Entries that leave within the same ten minutes share a slot. A touch within a slot changes no index (HOT). */
const CLEANUP_SLOT_SECONDS = 600

/** The slot of rows that other programs write. It has passed, so each cleanup looks whether such a row is due. */
export const UNKNOWN_SLOT = 0

/**
 * The slot of an instant. Every statement that sets `kept_until` of an entry, or `expires_at` of a lease, sets the slot too.
 *
 * Rejected: a generated column. Postgres parses its expression anew in each statement, which takes a third of the time that a
 * write needs.
 */
export function cleanupSlot(instant: SQL): SQL {
  return sql`floor(extract(epoch from (${instant} - timestamptz '2000-01-01 00:00:00+00')) / ${sql.raw(String(CLEANUP_SLOT_SECONDS))})::int`
}

import { raw, type Sql, sql } from './sql.ts'

/**
 * Entries that become removable within the same ten minutes share a slot. A touch within a slot changes no index (HOT).
 */
const CLEANUP_SLOT_SECONDS = 600

/** The slot of rows that other programs write. This slot has passed, so each cleanup checks whether the row is due. */
export const UNKNOWN_SLOT = 0

/** SQL: the smallest possible slot, where a walk along the slots begins. */
export const FIRST_SLOT: Sql = raw('-2147483648')

/**
 * SQL: the slot of an instant. Every statement that sets `kept_until` of an entry, or `expires_at` of a lease, sets the
 * slot too.
 *
 * Rejected: a generated column. Postgres parses its expression again in each statement, which takes a third of a
 * write's time.
 */
export function cleanupSlot(instant: Sql): Sql {
  return sql`floor(extract(epoch from (${instant} - timestamptz '2000-01-01 00:00:00+00')) / ${CLEANUP_SLOT_SECONDS})::int`
}

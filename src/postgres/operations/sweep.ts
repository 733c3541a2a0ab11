import { and, type SQL, sql } from 'drizzle-orm'
import { type CacheTables, CLEANUP_SLOT_SECONDS } from '../../schema.ts'
import { param } from './fragments.ts'
import { scopedOperation } from './scoped.ts'

/** What cleanup may remove: nothing of it is served any more, not even as stale. */
function removable({ entries }: CacheTables): SQL {
  return sql`${entries.keptUntil} <= now()`
}

/** The slot narrows the search to the index; the slot of now still holds entries that are kept. */
function inPastSlot({ entries }: CacheTables): SQL {
  return sql`${entries.cleanupSlot} <= floor(extract(epoch from (now() - timestamptz '2000-01-01 00:00:00+00')) / ${sql.raw(String(CLEANUP_SLOT_SECONDS))})::int`
}

/**
 * Deletes up to `batch` entries that are past keeping, and counts them.
 *
 * `skip locked`: it neither waits for writers nor for another sweep. The predicate stands twice, because an entry may
 * have been refreshed between the snapshot and the lock.
 */
export const sweep = scopedOperation('unsent', (db, tables, range) => {
  const { entries } = tables
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${and(inPastSlot(tables), removable(tables), range)}
    order by ${entries.cleanupSlot}
    limit ${param('batch')}::int
    for update skip locked`)
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} using doomed where ${entries.key} = doomed.key and ${removable(tables)}
    returning 1`)
  return db.with(doomed, removed).select({ removed: sql<number>`count(*)::int` }).from(sql`removed`)
})

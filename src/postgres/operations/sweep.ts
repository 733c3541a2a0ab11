import { and, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../cleanup-slot.ts'
import { param } from './fragments.ts'
import { scopedOperation } from './scoped.ts'

/**
 * Deletes up to `batch` entries that are past keeping, not even served as stale, and counts them.
 *
 * The slot narrows the search to the index; the slot of now still holds entries that are kept. `skip locked`: it neither
 * waits for writers nor for another sweep, and looks again at what was refreshed between its snapshot and its lock.
 * `is true` keeps the range from the planner, which would otherwise read all keys of a scope for it.
 */
export const sweep = scopedOperation('unsent', (db, tables, range) => {
  const { entries } = tables
  const isPastSlot = sql`${entries.cleanupSlot} <= ${cleanupSlot(sql`now()`)}`
  const isPastKeeping = sql`${entries.keptUntil} <= now()`
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${and(isPastSlot, isPastKeeping, range && sql`${range} is true`)}
    order by ${entries.cleanupSlot}
    limit ${param('batch')}::int
    for update skip locked`)
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} using doomed where ${entries.key} = doomed.key
    returning 1`)
  return db.with(doomed, removed).select({ removed: sql<number>`count(*)::int` }).from(sql`removed`)
})

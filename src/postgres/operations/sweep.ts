import { and, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../cleanup-slot.ts'
import { inRange, param } from './fragments.ts'
import { scopedOperation } from './scoped.ts'

/** Longer than any statement may run that read the lease before it was freed. */
const LEASE_KEPT = sql.raw(`interval '10 minutes'`)

/**
 * Deletes up to `batch` entries that are past keeping, not even served as stale, and counts them; and as many leases
 * that have long been free.
 *
 * The slot narrows the search to the index; the slot of now still holds entries that are kept. `skip locked`: it neither
 * waits for writers nor for another sweep, and looks again at what was refreshed between its snapshot and its lock.
 * `is true` keeps the range from the planner, which would otherwise read all keys of a scope for it. An entry whose key
 * is being computed stays: a fill must see that somebody wrote it meanwhile.
 */
export const sweep = scopedOperation('unsent', (db, { entries, leases }, range) => {
  const idle = db.$with('idle', {}).as(sql`
    select ${leases.key} from ${leases}
    where ${and(sql`${leases.expiresAt} < now() - ${LEASE_KEPT}`, range && inRange(leases))}
    limit ${param('batch')}::int
    for update skip locked`)
  const forgotten = db.$with('forgotten', {}).as(sql`
    delete from ${leases} using idle where ${leases.key} = idle.key
    returning 1`)
  const isPastSlot = sql`${entries.cleanupSlot} <= ${cleanupSlot(sql`now()`)}`
  const isPastKeeping = sql`${entries.keptUntil} <= now()`
  const isAlone = sql`not exists (
    select from ${leases} as held where held.key = ${entries.key} and held.token is not null)`
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${and(isPastSlot, isPastKeeping, range && sql`${range} is true`, isAlone)}
    order by ${entries.cleanupSlot}
    limit ${param('batch')}::int
    for update skip locked`)
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} using doomed where ${entries.key} = doomed.key
    returning 1`)
  return db
    .with(idle, forgotten, doomed, removed)
    .select({
      removed: sql<number>`(select count(*)::int from removed)`,
      leases: sql<number>`(select count(*)::int from forgotten)`,
    })
    .from(sql`(select) as one`)
})

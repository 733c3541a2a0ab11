import { cleanupSlot, FIRST_SLOT } from '../../schema/cleanup-slot.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { mostly, walkThrough } from '../../schema/walk.ts'
import { cte } from '../operation.ts'
import { param } from './fragments.ts'
import { isOneOf, place } from './row-ids.ts'

/** Longer than a statement may run. So no statement that read the lease before it was freed is still running. */
const FREED_LEASE_AGE = raw(`interval '10 minutes'`)

/**
 * Builds the CTEs that delete up to `batch` leases that have long been free, through the index on their slot. Recent
 * leases cost nothing, in any number.
 *
 * A statement begins at `leases`, the slot at which the previous statement ended. Index entries of deleted rows remain
 * while any older transaction runs. Without `leases`, each statement would walk over the index entries of all rows that
 * earlier statements deleted. Locking a lease checks it again, in case it was claimed since the snapshot.
 *
 * The cleanup of one scope deletes free leases of all scopes, because the index holds them in one order. No caller can
 * notice that a free lease is gone. Rejected: the leases of a scope in key order, because each run would read all
 * recent leases.
 *
 * @param range a condition for the scope's leases. A statement that finds none of them ends its run, so that the
 *   cleanup of one scope does not delete all leases of the others.
 */
export function idleLeases({ leases }: TableNames, range: Sql | undefined) {
  const latest = sql`(statement_timestamp() - ${FREED_LEASE_AGE})`
  // Take only slots that had ended by then, so that every lease in them is old enough. A lease may stay for one more
  // slot. Check the deadline too, because another version may have written the lease without its slot.
  const first = sql`coalesce(${param('leases', 'int')}, ${FIRST_SLOT})`
  const slots = walkThrough(leases.cleanupSlot, first, sql`${cleanupSlot(latest)} - 1`)
  const isIdle = sql`${slots} and ${mostly(sql`${leases.expiresAt} < ${latest}`)}`
  const idle = cte('idle')`
    select ${place(leases)}, ${leases.cleanupSlot} as slot, ${range ?? sql`true`} as is_own from ${leases}
    where ${isIdle}
    order by ${leases.cleanupSlot}
    limit ${param('batch', 'int')}
    for update skip locked`
  const forgotten = cte('forgotten')`
    delete from ${leases} where ${isOneOf(leases, 'idle')}
    returning 1`
  return {
    ctes: [idle, forgotten] as const,
    /** The slot at which the next statement begins. Null if it would find no lease. */
    next: sql`(select max(slot) from idle having count(*) = ${param('batch', 'int')} and bool_or(is_own))`,
  }
}

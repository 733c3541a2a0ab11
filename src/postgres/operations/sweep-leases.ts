import { type SQL, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'
import { isOneOf, place } from './row-ids.ts'

/** Longer than any statement may run that read the lease before it was freed. */
const FREED_LEASE_AGE = sql.raw(`interval '10 minutes'`)
export const NO_SLOT = sql.raw('-2147483648')

/**
 * The CTEs that delete up to `batch` leases that have long been free, through the index on their slot. Young leases cost
 * nothing, however many there are.
 *
 * A statement begins at `leases`, the slot at which the last one ended. Index entries of deleted rows remain as long as any
 * transaction is older, and each statement would walk over those of all statements before it. Locking a lease checks it
 * again, in case it was claimed since the snapshot.
 *
 * A scope deletes those of all scopes, because the index holds them in one order. Nobody can observe that a free lease is
 * gone. Rejected: the leases of a scope in key order, because each run would read all young ones.
 *
 * @param range the leases of the scope. A statement that found none of them ends its run, so that a scope does not delete
 *   all leases of the others.
 */
export function idleLeases(db: QueryDatabase, { leases }: CacheTables, range: SQL | undefined) {
  const latest = sql`(statement_timestamp() - ${FREED_LEASE_AGE})`
  // Only slots that had ended by then, so that every lease in them is old enough. A lease stays for at most another slot. The
  // deadline counts as well, because another version may have written the lease without its slot.
  const isIdle = sql`${leases.cleanupSlot} >= coalesce(${param('leases', 'int')}, ${NO_SLOT})
    and ${leases.cleanupSlot} < ${cleanupSlot(latest)} and ${leases.expiresAt} < ${latest}`
  const idle = db.$with('idle', {}).as(sql`
    select ${place(leases)}, ${leases.cleanupSlot} as slot, ${range ?? sql`true`} as is_own from ${leases}
    where ${isIdle}
    order by ${leases.cleanupSlot}
    limit ${param('batch', 'int')}
    for update skip locked`)
  const forgotten = db.$with('forgotten', {}).as(sql`
    delete from ${leases} where ${isOneOf(leases, 'idle')}
    returning 1`)
  return {
    ctes: [idle, forgotten] as const,
    /** The slot at which the next statement begins. Null if it would find none. */
    next: sql`(select max(slot) from idle having count(*) = ${param('batch', 'int')} and bool_or(is_own))`,
  }
}

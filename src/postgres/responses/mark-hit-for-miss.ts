import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { milliseconds } from '../operations/fragments.ts'
import { HIT_FOR_MISS, heldLease } from '../operations/lease.ts'

/**
 * Releases a lease after an unshareable response, and marks it as hit-for-miss: for `hitForMissMs` no request waits for
 * it. Otherwise the waiters would run the handler one after the other.
 */
export const markHitForMiss = operation({
  name: 'mark_hit_for_miss',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build(tables) {
    const expiresAt = sql`(statement_timestamp() + ${milliseconds('hitForMissMs')})`
    const marked = cte('marked')`
      update ${tables.leases}
      set token = ${HIT_FOR_MISS}, xid = pg_current_xact_id(), expires_at = ${expiresAt}, cleanup_slot = ${cleanupSlot(expiresAt)}
      where ${heldLease(tables)}
      returning 1`
    return { with: [marked], select: { count: sql`count(*)` }, from: sql`marked` }
  },
})

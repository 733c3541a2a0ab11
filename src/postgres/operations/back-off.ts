import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { milliseconds, param } from './fragments.ts'
import { backoffToken, heldLease } from './lease.ts'

/**
 * Releases a lease after a refresh failed. For `backoffMs`, a caller that can be served the entry does not claim the
 * lease. A caller that cannot be served claims it at once.
 */
export const backOff = operation({
  name: 'back_off',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build(tables) {
    const expiresAt = sql`(statement_timestamp() + ${milliseconds('backoffMs')})`
    const resting = cte('resting')`
      update ${tables.leases}
      set token = ${backoffToken(param('backoffMs', 'numeric'))}, xid = pg_current_xact_id(),
        expires_at = ${expiresAt}, cleanup_slot = ${cleanupSlot(expiresAt)}
      where ${heldLease(tables)}
      returning 1`
    return { with: [resting], select: { count: sql`count(*)` }, from: sql`resting` }
  },
})

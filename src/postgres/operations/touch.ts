import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { computeOnce, deadline, liveWhenLocked, movedDeadline, param } from './fragments.ts'

/**
 * Moves a live entry's deadline. Returns one row if the entry was live. It does not set the value, so that its TOAST is
 * not rewritten.
 *
 * With a deadline in the past, the entry counts as absent, so a pending fill must treat this as a write.
 */
export const touch = operation({
  name: 'touch',
  repeatable: 'unsent',
  rows: 'at most one',
  columns: { touched: integer },
  build(tables) {
    const { entries } = tables
    const touched = cte('touched')`
      update ${entries}
      set ${movedDeadline(tables)}, updated_at = statement_timestamp(),
        written_by = case when next.expires_at <= statement_timestamp() then pg_current_xact_id() else ${entries.writtenBy} end
      from ${computeOnce({ expires_at: deadline })} as next
      where ${entries.key} = ${param('key')} and ${liveWhenLocked(tables)}
      returning 1`
    return { with: [touched], select: { touched: sql`1` }, from: sql`touched` }
  },
})

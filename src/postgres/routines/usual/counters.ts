/**
 * Cheaper statements for running counters without tags. The update checks its condition again on the row that it has
 * locked.
 */
import { raw, type Sql, sql } from '../../../schema/sql.ts'
import type { TableNames } from '../../../schema/table-names.ts'
import { cte } from '../../operation.ts'
import { countUp, maxSum } from '../../operations/count-up.ts'
import { isLiveUntagged, param } from '../../operations/fragments.ts'
import { afterCall, COUNTED, calls, countCall, fits, hasBegun } from '../../operations/limit.ts'
import { counterColumns } from '../../operations/read-counter.ts'
import { type UsualCases, usualCases } from './usual-cases.ts'

const counted = raw(
  'compute_ms = null, meta = null, updated_at = statement_timestamp(), written_by = pg_current_xact_id()',
)

/** True for a fixed window that has begun and has not ended. */
function isWindow(tables: TableNames): Sql {
  const { entries } = tables
  return sql`${entries.key} = ${param('key')} and ${isLiveUntagged(tables)} and ${entries.expiresAt} is not null
    and ${entries.value} is null and ${entries.number} is not null and ${hasBegun(tables)}`
}

export const usualCounters: readonly UsualCases[] = [
  usualCases(countUp, (tables) => {
    const { entries } = tables
    const sum = sql`${entries.number} + ${param('delta', 'numeric')}`
    const updated = cte('counted')`
      update ${entries} set number = ${sum}, ${counted}
      where ${entries.key} = ${param('key')} and ${isLiveUntagged(tables)} and ${entries.value} is null
        and abs(${sum}) <= ${maxSum} and not ${param('sliding', 'boolean')}
      returning ${entries.number}`
    return { with: [updated], select: { number: sql`counted.number`, refusal: sql`null` }, from: sql`counted` }
  }),
  usualCases(
    countCall,
    (tables) => {
      const { entries } = tables
      const updated = cte('counted')`
        update ${entries} set number = ${afterCall(calls(tables))}, ${counted}
        where ${isWindow(tables)} and ${fits(calls(tables))}
        returning ${entries.number}, ${entries.expiresAt}, ${entries.computeMs}`
      return { with: [updated], select: COUNTED, from: sql`counted` }
    },
    // Later refusals write nothing and lock nothing, so a client that is refused a thousand times costs only reads.
    (tables) => ({
      select: counterColumns(tables.entries, sql`false`),
      from: sql`${tables.entries} where ${isWindow(tables)} and not ${fits(calls(tables))}
          and (${param('cost', 'numeric')} <> 1 or ${tables.entries.number} = ${param('cap', 'numeric')})`,
    }),
  ),
]

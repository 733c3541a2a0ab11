/**
 * Cheaper statements for running counters without tags. The update checks its condition again on the row that it has
 * locked.
 */
import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../../schema/index.ts'
import { countUp, maxSum } from '../../operations/count-up.ts'
import { isLiveUntagged, param } from '../../operations/fragments.ts'
import { afterCall, COUNTED, calls, countCall, fits, hasBegun } from '../../operations/limit.ts'
import { counterColumns } from '../../operations/read-counter.ts'
import { type UsualCases, usualCases } from './usual-cases.ts'

const counted = sql.raw(
  'compute_ms = null, meta = null, updated_at = statement_timestamp(), written_by = pg_current_xact_id()',
)

/** True for a fixed window that has begun and has not ended. */
function isWindow(tables: CacheTables): SQL {
  const { entries } = tables
  return sql`${entries.key} = ${param('key')} and ${isLiveUntagged(tables)} and ${entries.expiresAt} is not null
    and ${entries.value} is null and ${entries.number} is not null and ${hasBegun(tables)}`
}

export const usualCounters: readonly UsualCases[] = [
  usualCases(countUp, (db, tables, answer) => {
    const { entries } = tables
    const sum = sql`${entries.number} + ${param('delta', 'numeric')}`
    const updated = db.$with('counted', {}).as(sql`
      update ${entries} set number = ${sum}, ${counted}
      where ${entries.key} = ${param('key')} and ${isLiveUntagged(tables)} and ${entries.value} is null
        and abs(${sum}) <= ${maxSum} and not ${param('sliding', 'boolean')}
      returning ${entries.number}`)
    return answer(db.with(updated), { number: sql`counted.number`, refusal: sql`null` }).from(sql`counted`)
  }),
  usualCases(
    countCall,
    (db, tables, answer) => {
      const { entries } = tables
      const updated = db.$with('counted', {}).as(sql`
        update ${entries} set number = ${afterCall(calls(tables))}, ${counted}
        where ${isWindow(tables)} and ${fits(calls(tables))}
        returning ${entries.number}, ${entries.expiresAt}, ${entries.computeMs}`)
      return answer(db.with(updated), COUNTED).from(sql`counted`)
    },
    // Later refusals write nothing and lock nothing, so a client that is refused a thousand times costs only reads.
    (db, tables, answer) =>
      answer(db, counterColumns(tables.entries, sql`false`))
        .from(tables.entries)
        .where(sql`${isWindow(tables)} and not ${fits(calls(tables))}
          and (${param('cost', 'numeric')} <> 1 or ${tables.entries.number} = ${param('cap', 'numeric')})`),
  ),
]

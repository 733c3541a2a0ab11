/** Running counters without tags. The update checks its condition again on the row that it has locked. */
import { sql } from 'drizzle-orm'
import { countUp, maxSum } from '../../operations/count-up.ts'
import { isLiveUntagged, param } from '../../operations/fragments.ts'
import { countCall, hasBegun, nextCount, WINDOW } from '../../operations/limit.ts'
import { type UsualCases, usualCases } from './usual-cases.ts'

const counted = sql.raw(
  'compute_ms = null, meta = null, updated_at = statement_timestamp(), written_by = pg_current_xact_id()',
)

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
  usualCases(countCall, (db, tables, answer) => {
    const { entries } = tables
    const updated = db.$with('counted', {}).as(sql`
      update ${entries} set number = ${nextCount(tables)}, ${counted}
      where ${entries.key} = ${param('key')} and ${isLiveUntagged(tables)} and ${entries.expiresAt} is not null
        and ${entries.value} is null and ${entries.number} is not null and ${hasBegun(tables)}
      returning ${entries.number}, ${entries.expiresAt}`)
    return answer(db.with(updated), WINDOW).from(sql`counted`)
  }),
]

import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import {
  asWrittenNow,
  computeOnce,
  deadline,
  keptUntilExpired,
  overwrite,
  param,
  textArray,
  writtenColumns,
  zipped,
} from './fragments.ts'
import { noteInvalidated } from './invalidate.ts'

/** Writes marks for `read_marked` to find, and invalidates tags in the same transaction. Locks in key order. */
export const markTags = operation({
  name: 'mark_tags',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer },
  build(tables) {
    const { entries } = tables
    const given = sql`select given.tag from json_array_elements_text(${param('invalidated', 'json')}) as given(tag)`
    const noted = cte('noted')`${noteInvalidated(tables, given)} returning 1`
    const written = cte('written')`
      insert into ${entries} (${writtenColumns})
      select item.key, item.value, item.number::numeric,
        given.expires_at, ${keptUntilExpired}, given.tags, pg_current_snapshot(), null, ${asWrittenNow}
      from ${zipped('keys', 'values', 'numbers')} as item(key, value, number),
        ${computeOnce({ expires_at: deadline, tags: textArray('markTags') })} as given
      order by item.key collate "C"
      on conflict (key) do update set ${overwrite}
      returning 1`
    const count = sql`(select count(*) from noted) + (select count(*) from written)`
    return { with: [noted, written], select: { count }, from: sql`(select) as one` }
  },
})

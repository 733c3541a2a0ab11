import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import {
  asWrittenNow,
  computeOnce,
  deadline,
  filledAt,
  isUsable,
  keptUntilExpired,
  overwrite,
  textArray,
  writtenColumns,
  zipped,
} from './fragments.ts'

/**
 * Stores entries, and replaces existing ones. `keys` must be distinct. If `asOf` is from the future, stores nothing,
 * and the count is 0.
 *
 * It locks in key order, so that two callers cannot deadlock. It takes lists, because Postgres allows at most 65,535
 * parameters.
 */
export const writeMany = operation({
  name: 'write_many',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer },
  build({ entries }) {
    const written = cte('written')`
      insert into ${entries} (${writtenColumns})
      select item.key, item.value, item.number::numeric,
        given.expires_at, ${keptUntilExpired}, given.tags, ${filledAt}, null, ${asWrittenNow}
      from ${zipped('keys', 'values', 'numbers')} as item(key, value, number),
        ${computeOnce({ expires_at: deadline, tags: textArray('tags') })} as given
      where ${isUsable}
      order by item.key collate "C"
      on conflict (key) do update set ${overwrite}
      returning 1`
    return { with: [written], select: { count: sql`count(*)` }, from: sql`written` }
  },
})

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
  param,
  textArray,
  writtenColumns,
} from './fragments.ts'

/** Stores an entry, and replaces an existing one. If `asOf` is from the future, stores nothing, and the count is 0. */
export const write = operation({
  name: 'write',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer },
  build({ entries }) {
    const written = cte('written')`
      insert into ${entries} (${writtenColumns})
      select ${param('key')}, ${param('value')}, ${param('number', 'numeric')},
        given.expires_at, ${keptUntilExpired}, given.tags, ${filledAt}, null, ${asWrittenNow}
      from ${computeOnce({ expires_at: deadline, tags: textArray('tags') })} as given
      where ${isUsable}
      on conflict (key) do update set ${overwrite}
      returning 1`
    return { with: [written], select: { count: sql`count(*)` }, from: sql`written` }
  },
})

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
  liveWhenLocked,
  overwrite,
  param,
  textArray,
  writtenColumns,
} from './fragments.ts'

/**
 * Stores an entry if none is live under the key, and then returns one row. An expired entry is replaced.
 *
 * If `asOf` is from the future, the statement stores nothing, and returns a row with 0.
 */
export const add = operation({
  name: 'add',
  repeatable: 'unsent',
  rows: 'at most one',
  columns: { added: integer },
  build(tables) {
    const written = cte('written')`
      insert into ${tables.entries} (${writtenColumns})
      select ${param('key')}, ${param('value')}, ${param('number', 'numeric')},
        given.expires_at, ${keptUntilExpired}, given.tags, ${filledAt}, null, ${asWrittenNow}
      from ${computeOnce({ expires_at: deadline, tags: textArray('tags') })} as given
      where ${isUsable}
      on conflict (key) do update set ${overwrite} where not ${liveWhenLocked(tables)}
      returning 1`
    return {
      with: [written],
      select: { added: sql`result.added` },
      from: sql`(select 1 as added from written union all select 0 where not ${isUsable}) as result`,
    }
  },
})

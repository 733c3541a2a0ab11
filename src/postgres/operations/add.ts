import { sql } from 'drizzle-orm'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import {
  asWrittenNow,
  computedOnce,
  deadline,
  filledAt,
  liveWhenLocked,
  overwrite,
  param,
  textArray,
  writtenColumns,
} from './fragments.ts'

/** Stores an entry if none is live under the key, and then returns one row. An expired entry is replaced. */
export const add = operation({
  name: 'add',
  repeatable: 'unsent',
  rows: 'at most one',
  columns: { added: integer },
  build(db, tables, answer) {
    const written = db.$with('written', {}).as(sql`
      insert into ${tables.entries} (${writtenColumns})
      select ${param('key')}, ${param('value')}, ${param('number', 'numeric')},
        given.expires_at, given.expires_at, given.tags, ${filledAt}, null, ${asWrittenNow}
      from ${computedOnce({ expires_at: deadline, tags: textArray('tags') })} as given
      on conflict (key) do update set ${overwrite} where not ${liveWhenLocked(tables)}
      returning 1`)
    return answer(db.with(written), { added: sql`1` }).from(sql`written`)
  },
})

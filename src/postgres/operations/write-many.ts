import { sql } from 'drizzle-orm'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import {
  asWrittenNow,
  computedOnce,
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
 * Stores entries and replaces any that exist. `keys` must be distinct. Counts none if `asOf` is from the future.
 *
 * It locks in key order, so that two callers cannot deadlock. It takes lists, because Postgres allows 65,535 parameters.
 */
export const writeMany = operation({
  name: 'write_many',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer },
  build(db, { entries }, answer) {
    const written = db.$with('written', {}).as(sql`
      insert into ${entries} (${writtenColumns})
      select item.key, item.value, item.number::numeric,
        given.expires_at, ${keptUntilExpired}, given.tags, ${filledAt}, null, ${asWrittenNow}
      from ${zipped('keys', 'values', 'numbers')} as item(key, value, number),
        ${computedOnce({ expires_at: deadline, tags: textArray('tags') })} as given
      where ${isUsable}
      order by item.key collate "C"
      on conflict (key) do update set ${overwrite}
      returning 1`)
    return answer(db.with(written), { count: sql`count(*)` }).from(sql`written`)
  },
})

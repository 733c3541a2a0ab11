import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/**
 * Records in the log that this transaction invalidated tags. Inserts them in the order in which all statements lock.
 *
 * @param tags a query of one column, `tag`
 */
export function noteInvalidated({ invalidations }: CacheTables, tags: SQL): SQL {
  return sql`insert into ${invalidations} (tag)
    select item.tag from (${tags}) as item
    order by item.tag collate "C"
    on conflict do nothing`
}

/**
 * Records in the log that this transaction invalidated tags. Reads compare the log with the snapshot of each entry's
 * data.
 */
export const invalidate = operation({
  name: 'invalidate',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer },
  build(db, tables, answer) {
    const given = sql`select given.tag from json_array_elements_text(${param('tags', 'json')}) as given(tag)`
    const noted = db.$with('noted', {}).as(sql`${noteInvalidated(tables, given)} returning 1`)
    return answer(db.with(noted), { count: sql`count(*)` }).from(sql`noted`)
  },
})

/**
 * Builds the same statement without placeholders. The tags are JSON, because drivers differ in how they send arrays.
 */
export function invalidateNow(tables: CacheTables, tags: readonly string[]): SQL {
  const given = sql`select given.tag from json_array_elements_text(${JSON.stringify(tags)}::text::json) as given(tag)`
  return noteInvalidated(tables, given)
}

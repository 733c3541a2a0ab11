import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { param } from './fragments.ts'

/**
 * Records in the log that this transaction invalidated tags. Inserts them in the order in which all statements lock.
 *
 * @param tags a query of one column, `tag`
 */
export function noteInvalidated({ invalidations }: TableNames, tags: Sql): Sql {
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
  build(tables) {
    const noted = cte('noted')`${noteGivenTags(tables)} returning 1`
    return { with: [noted], select: { count: sql`count(*)` }, from: sql`noted` }
  },
})

/** Builds the statement alone. Its parameter `tags` is a JSON list, because drivers differ in how they send arrays. */
export function noteGivenTags(tables: TableNames): Sql {
  const given = sql`select given.tag from json_array_elements_text(${param('tags', 'json')}) as given(tag)`
  return noteInvalidated(tables, given)
}

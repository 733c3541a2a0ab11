import { type Sql, sql } from '../../schema/sql.ts'
import { bool, integer } from '../kinds.ts'
import { cte } from '../operation.ts'
import { param } from './fragments.ts'
import { scopedOperation } from './scoped.ts'
import { someEntries } from './some-entries.ts'

/**
 * Counts the entries with a tag for the admin pages, expired ones included. If there are many entries, it checks some
 * of them, and estimates.
 */
export const countTagged = scopedOperation({
  name: 'count_tagged',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: { tagged: integer, isEstimate: bool },
  build(tables, range) {
    const { ctes, rows, factor, isEstimate } = someEntries(tables, range)
    const hasTag: Sql = sql`coalesce(${tables.entries.tags} @> array[${param('tag')}], false) as "hasTag"`
    const checked = cte('checked')`
      select count(*)::float8 as entries, count(*) filter (where entry."hasTag") as tagged
      from (${rows(hasTag)}) as entry`
    return {
      with: [...ctes, checked],
      select: {
        tagged: sql`round(checked.tagged * ${factor(sql`checked.entries`)})`,
        isEstimate,
      },
      from: sql`checked`,
    }
  },
})

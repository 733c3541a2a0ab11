import { type SQL, sql } from 'drizzle-orm'
import { bool, integer } from '../kinds.ts'
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
  build(db, tables, answer, range) {
    const { ctes, rows, factor, isEstimate } = someEntries(db, tables, range)
    const hasTag: SQL = sql`coalesce(${tables.entries.tags} @> array[${param('tag')}], false) as "hasTag"`
    const checked = db.$with('checked', {}).as(sql`
      select count(*)::float8 as entries, count(*) filter (where entry."hasTag") as tagged
      from (${rows(hasTag)}) as entry`)
    return answer(db.with(...ctes, checked), {
      tagged: sql`round(checked.tagged * ${factor(sql`checked.entries`)})`,
      isEstimate,
    }).from(sql`checked`)
  },
})

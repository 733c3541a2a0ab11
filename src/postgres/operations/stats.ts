import { sql } from 'drizzle-orm'
import { bool } from '../kinds.ts'
import { scopedOperation } from './scoped.ts'
import { someEntries } from './some-entries.ts'
import { FIGURES, figuresOf, summedColumns, sumsOf } from './sums.ts'

/**
 * Counts entries by state, and adds up their bytes. If there are many entries, it checks some, and scales the figures
 * up.
 */
export const stats = scopedOperation({
  name: 'stats',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: { ...FIGURES, estimated: bool },
  build(db, tables, answer, range) {
    const { ctes, rows, factor, isEstimate } = someEntries(db, tables, range)
    const sums = db.$with('sums', {}).as(sumsOf(rows(summedColumns(tables))))
    const checked = sql`(sums.expired + sums.unexpired + sums.forever)`
    const scaled = db.$with('scaled', {}).as(sql`select sums.*, ${factor(checked)} as factor from sums`)
    return answer(db.with(...ctes, sums, scaled), {
      ...figuresOf('scaled', sql`scaled.factor`),
      estimated: isEstimate,
    }).from(sql`scaled`)
  },
})

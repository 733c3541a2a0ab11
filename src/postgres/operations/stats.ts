import { sql } from '../../schema/sql.ts'
import { bool } from '../kinds.ts'
import { cte } from '../operation.ts'
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
  build(tables, range) {
    const { ctes, rows, factor, isEstimate } = someEntries(tables, range)
    const sums = cte('sums')`${sumsOf(rows(summedColumns(tables)))}`
    const checked = sql`(sums.expired + sums.unexpired + sums.forever)`
    const scaled = cte('scaled')`select sums.*, ${factor(checked)} as factor from sums`
    return {
      with: [...ctes, sums, scaled],
      select: {
        ...figuresOf('scaled', sql`scaled.factor`),
        estimated: isEstimate,
      },
      from: sql`scaled`,
    }
  },
})

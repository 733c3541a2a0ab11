import { sql } from '../../schema/sql.ts'
import { nullable, text } from '../kinds.ts'
import { cte, operation, type RowOf } from '../operation.ts'
import { isAfter, param } from './fragments.ts'
import { entriesOf, firstKeys } from './looked-at.ts'
import { FIGURES, figuresOf, summedColumns, sumsOf } from './sums.ts'

const COLUMNS = { ...FIGURES, last: nullable(text) } as const

export type Counted = RowOf<typeof COLUMNS>

/**
 * Counts the next `limit` entries of a range after the key `after`. `last` is the last key, or null at the end of the
 * range.
 *
 * Parts follow the keys, so an entry that exists throughout is counted once, even if an update moves it in the table.
 * Rejected: parts by place in the table. They read faster from a disk, but count a moved entry twice or not at all.
 */
export const count = operation({
  name: 'count',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: COLUMNS,
  build(tables) {
    const limit = param('limit', 'int')
    const part = cte('part')`select ${firstKeys(tables, isAfter(tables), limit)} as keys`
    const keys = sql`(select part.keys from part)`
    const rows = sql`select ${summedColumns(tables)} from ${entriesOf(tables, keys)} offset 0`
    const sums = cte('sums')`${sumsOf(rows)}`
    return {
      with: [part, sums],
      select: {
        ...figuresOf('sums', sql`1`),
        last: sql`(select part.keys[${limit}] from part)`,
      },
      from: sql`sums`,
    }
  },
})

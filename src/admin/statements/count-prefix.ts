import { integer } from '../../postgres/kinds.ts'
import { cte, operation } from '../../postgres/operation.ts'
import { walkRange } from '../../postgres/operations/fragments.ts'
import { byBytes } from '../../schema/byte-order.ts'
import { sql } from '../../schema/sql.ts'
import { ONE_ROW } from '../../schema/walk.ts'

/** Counts at most this many entries. A confirmation needs no higher number. */
export const MAX_COUNTED = 100_000

/** Counts the entries of a range, up to {@link MAX_COUNTED}. It reads only the index. */
export const countPrefix = operation({
  name: 'count_prefix',
  repeatable: 'always',
  rows: 'one',
  columns: { entries: integer },
  build({ entries }) {
    const found = cte('found')`
      select ${entries.key} from ${entries}, ${ONE_ROW} where ${walkRange(entries)}
      order by ${byBytes(entries.key)} limit ${MAX_COUNTED}`
    return { with: [found], select: { entries: sql`count(*)` }, from: sql`found` }
  },
})

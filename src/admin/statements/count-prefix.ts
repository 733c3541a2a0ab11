import { sql } from 'drizzle-orm'
import { integer } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { inRange } from '../../postgres/operations/fragments.ts'
import { byBytes } from '../../schema/byte-order.ts'

/** Counts at most this many entries. A confirmation needs no higher number. */
export const MAX_COUNTED = 100_000

/** Counts the entries of a range, up to {@link MAX_COUNTED}. It reads only the index. */
export const countPrefix = operation({
  name: 'count_prefix',
  repeatable: 'always',
  rows: 'one',
  columns: { entries: integer },
  build(db, { entries }, answer) {
    const found = db.$with('found', {}).as(sql`
      select ${entries.key} from ${entries} where ${inRange(entries)}
      order by ${byBytes(entries.key)} limit ${sql.raw(String(MAX_COUNTED))}`)
    return answer(db.with(found), { entries: sql`count(*)` }).from(sql`found`)
  },
})

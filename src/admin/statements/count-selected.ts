import { sql } from 'drizzle-orm'
import { integer } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { inRange, param } from '../../postgres/operations/fragments.ts'

/** What is looked at, and so what a count can be; a confirmation need not know more. */
export const MAX_COUNTED = 100_000

/** How many rows of a range there are, and how many of them have a tag; of the first {@link MAX_COUNTED} in key order. */
export const countSelected = operation({
  name: 'count_selected',
  repeatable: 'always',
  rows: 'one',
  columns: { entries: integer, tagged: integer },
  build(db, { entries }, answer) {
    const looked = db.$with('looked', {}).as(sql`
      select ${entries.tags} from ${entries} where ${inRange(entries)}
      order by ${entries.key} limit ${sql.raw(String(MAX_COUNTED))}`)
    return answer(db.with(looked), {
      entries: sql`count(*)`,
      tagged: sql`count(*) filter (where looked.tags @> array[${param('tag')}])`,
    }).from(sql`looked`)
  },
})

import { sql } from 'drizzle-orm'
import { operation } from '../../postgres/database.ts'
import { inRange, param } from '../../postgres/operations/fragments.ts'

/** What is looked at, and so what a count can be; a confirmation need not know more. */
export const MAX_COUNTED = 100_000

/** How many rows of a range there are, and how many of them have a tag; of the first {@link MAX_COUNTED} in key order. */
export const countSelected = operation('always', (db, { entries }) => {
  const looked = db.$with('looked', {}).as(sql`
    select ${entries.tags} from ${entries} where ${inRange(entries)}
    order by ${entries.key} limit ${sql.raw(String(MAX_COUNTED))}`)
  return db
    .with(looked)
    .select({
      entries: sql<number>`count(*)::float8`,
      tagged: sql<number>`(count(*) filter (where looked.tags @> array[${param('tag')}::text]))::float8`,
    })
    .from(sql`looked`)
})

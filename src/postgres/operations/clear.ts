import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { inRange, param } from './fragments.ts'

/** Deletes up to `batch` entries of a range in key order, and says how far it came; no `last` when that was the end. */
export const clear = operation('unsent', (db, tables) => {
  const { entries } = tables
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${inRange(tables)}
    order by ${entries.key}
    limit ${param('batch')}::int
    for update`)
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} using doomed where ${entries.key} = doomed.key
    returning 1`)
  return db
    .with(doomed, removed)
    .select({
      removed: sql<number>`(select count(*)::int from removed)`,
      last: sql<string | null>`(select max(key) from doomed having count(*) = ${param('batch')}::int)`,
    })
    .from(sql`(select) as one`)
})

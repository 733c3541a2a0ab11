import { sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/** Deletes entries and counts the live ones. A delete has no order, so the rows are locked in key order first. */
export const removeMany = operation('unsent', (db, tables) => {
  const { entries } = tables
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${entries.key} = any (${param('keys')}::text[])
    order by ${entries.key}
    for update`)
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} using doomed where ${entries.key} = doomed.key
    returning ${live(tables)} as live`)
  return db
    .with(doomed, removed)
    .select({ count: sql<number>`(count(*) filter (where removed.live))::int` })
    .from(sql`removed`)
})

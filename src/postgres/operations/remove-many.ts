import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { liveWhenLocked, param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/**
 * Deletes entries and counts the live ones. `keys` must be distinct.
 *
 * A delete has no order, so the rows are locked in key order first; and none before all leases are, hence the count.
 */
export const removeMany = operation('unsent', (db, tables) => {
  const { entries } = tables
  const asked = sql`select asked.key from unnest(${param('keys')}::text[]) as asked(key)`
  const { broken, raced } = breakLeases(db, tables, asked)
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${entries.key} = any (${param('keys')}::text[]) and (select count(*) from broken) > 0
    order by ${entries.key}
    for update`)
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} using doomed where ${entries.key} = doomed.key
    returning ${liveWhenLocked(tables)} as live`)
  return db
    .with(broken, doomed, removed)
    .select({ count: sql<number>`(select count(*)::int from removed where removed.live)`, raced })
    .from(sql`(select) as one`)
})

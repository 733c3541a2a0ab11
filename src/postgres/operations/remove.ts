import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { liveWhenLocked, param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/** Deletes an entry, and says whether it was live. An expired one goes as well. */
export const remove = operation('unsent', (db, tables) => {
  const { entries } = tables
  const { broken, raced } = breakLeases(db, tables, sql`select ${param('key')}::text as key`)
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} using broken where ${entries.key} = broken.key
    returning ${liveWhenLocked(tables)} as live`)
  return db
    .with(broken, removed)
    .select({ count: sql<number>`(select count(*)::int from removed where removed.live)`, raced })
    .from(sql`(select) as one`)
})

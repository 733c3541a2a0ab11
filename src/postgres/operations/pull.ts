import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { liveWhenLocked, param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/** Deletes an entry and answers with what it held: the delete decides who gets it. */
export const pull = operation('unsent', (db, tables) => {
  const { entries } = tables
  const { broken, raced } = breakLeases(db, tables, sql`select ${param('key')}::text as key`)
  const pulled = db.$with('pulled', {}).as(sql`
    delete from ${entries} using broken where ${entries.key} = broken.key
    returning ${entries.value}, ${entries.number}, ${liveWhenLocked(tables)} as live`)
  return db
    .with(broken, pulled)
    .select({
      found: sql<boolean>`coalesce(pulled.live, false)`,
      value: sql<string | null>`case when pulled.live then pulled.value end`,
      number: sql<string | null>`case when pulled.live then pulled.number::text end`,
      raced,
    })
    .from(sql`(select) as one left join pulled on true`)
})

import { sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/** Deletes an entry: one row if it was live. An expired one goes as well. */
export const remove = operation('unsent', (db, tables) => {
  const { entries } = tables
  const removed = db.$with('removed', {}).as(sql`
    delete from ${entries} where ${entries.key} = ${param('key')}::text
    returning ${live(tables)} as live`)
  return db.with(removed).select({ removed: sql<number>`1` }).from(sql`removed`).where(sql`removed.live`)
})

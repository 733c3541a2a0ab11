import { sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/** Deletes an entry and answers with what it held: the delete decides who gets it. */
export const pull = operation('unsent', (db, tables) => {
  const { entries } = tables
  const pulled = db.$with('pulled', {}).as(sql`
    delete from ${entries} where ${entries.key} = ${param('key')}::text
    returning ${entries.value}, ${entries.number}, ${live(tables)} as live`)
  return db
    .with(pulled)
    .select({ value: sql<string | null>`pulled.value`, number: sql<string | null>`pulled.number::text` })
    .from(sql`pulled`)
    .where(sql`pulled.live`)
})

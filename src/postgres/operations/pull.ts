import { sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/** Deletes an entry and answers with what it held: the delete decides who gets it. */
export const pull = operation('unsent', (db, tables) => {
  const { entries } = tables
  const broken = db.$with('broken', {}).as(breakLeases(tables, sql`select ${param('key')}::text as key`))
  const pulled = db.$with('pulled', {}).as(sql`
    delete from ${entries} using broken where ${entries.key} = broken.key
    returning ${entries.value}, ${entries.number}, ${live(tables)} as live`)
  return db
    .with(broken, pulled)
    .select({ value: sql<string | null>`pulled.value`, number: sql<string | null>`pulled.number::text` })
    .from(sql`pulled`)
    .where(sql`pulled.live`)
})

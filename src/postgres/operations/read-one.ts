import { and, eq, sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/**
 * The live entry of one key.
 *
 * A statement apart from {@link read}, because Postgres plans an array of unknown length anew at each call, and keeps
 * the plan of this one: over TCP that is a third of a hit's time.
 */
export const readOne = operation('always', (db, tables) => {
  const { key, value, number } = tables.entries
  return db
    .select({ value, number: sql<string | null>`${number}::text` })
    .from(tables.entries)
    .where(and(eq(key, param('key')), live(tables)))
})

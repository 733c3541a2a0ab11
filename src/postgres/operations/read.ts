import { and, sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/** The live entries among `keys`, for `getMany` and for gets of one tick. */
export const read = operation('always', (db, tables) => {
  const { key, value, number } = tables.entries
  return db
    .select({ key, value, number: sql<string | null>`${number}::text` })
    .from(tables.entries)
    .where(and(sql`${key} = any (${param('keys')}::text[])`, live(tables)))
})

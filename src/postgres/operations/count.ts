import { and, sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { inRange } from './fragments.ts'

/** The number of live entries of a range. */
export const count = operation('always', (db, tables) =>
  db
    .select({ count: sql<number>`count(*)::text`.mapWith(Number) })
    .from(tables.entries)
    .where(and(inRange(tables), live(tables))),
)

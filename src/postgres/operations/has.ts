import { and, eq, sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { param } from './fragments.ts'

/** One row where the entry is live; no value leaves the database. */
export const has = operation('always', (db, tables) =>
  db
    .select({ found: sql<number>`1` })
    .from(tables.entries)
    .where(and(eq(tables.entries.key, param('key')), live(tables))),
)

import { and, eq } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { operation } from '../database.ts'
import { epochMs, param } from './fragments.ts'

/** When a live entry expires; null for never, no row where none is live. */
export const readDeadline = operation('always', (db, tables) =>
  db
    .select({ expiresAt: epochMs(tables.entries.expiresAt) })
    .from(tables.entries)
    .where(and(eq(tables.entries.key, param('key')), live(tables))),
)

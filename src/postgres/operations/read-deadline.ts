import { eq } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { instant, nullable } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/** Reads when a live entry expires. Null means never. Returns no row if no entry is live. */
export const readDeadline = operation({
  name: 'read_deadline',
  repeatable: 'always',
  rows: 'at most one',
  columns: { expiresAt: nullable(instant) },
  build: (db, tables, answer) =>
    answer(db, { expiresAt: tables.entries.expiresAt })
      .from(tables.entries)
      .where(allOf(eq(tables.entries.key, param('key')), live(tables))),
})

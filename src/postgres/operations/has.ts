import { eq, sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { param } from './fragments.ts'

/** Returns one row if the entry is live. No value leaves the database. */
export const has = operation({
  name: 'has',
  repeatable: 'always',
  rows: 'at most one',
  columns: { found: integer },
  build: (db, tables, answer) =>
    answer(db, { found: sql`1` })
      .from(tables.entries)
      .where(allOf(eq(tables.entries.key, param('key')), live(tables))),
})

import { and, sql } from 'drizzle-orm'
import { live } from '../../schema/index.ts'
import { integer } from '../kinds.ts'
import { scopedOperation } from './scoped.ts'

/** The number of live entries of a scope. */
export const count = scopedOperation({
  name: 'count',
  repeatable: 'always',
  rows: 'one',
  isLarge: true,
  columns: { count: integer },
  build: (db, tables, answer, range) =>
    answer(db, { count: sql`count(*)` })
      .from(tables.entries)
      .where(and(range, live(tables))),
})

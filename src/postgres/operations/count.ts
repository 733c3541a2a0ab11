import { sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { live } from '../../schema/index.ts'
import { integer } from '../kinds.ts'
import { scopedOperation } from './scoped.ts'

/** The number of live entries of a scope. */
export const count = scopedOperation({
  name: 'count',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: { count: integer },
  build: (db, tables, answer, range) =>
    answer(db, { count: sql`count(*)` })
      .from(tables.entries)
      .where(allOf(range, live(tables))),
})

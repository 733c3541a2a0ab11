import { sql } from 'drizzle-orm'
import { snapshot } from '../kinds.ts'
import { operation } from '../operation.ts'

/** The current snapshot, as text. */
export const takeSnapshot = operation({
  name: 'take_snapshot',
  repeatable: 'always',
  rows: 'one',
  columns: { snapshot },
  build: (db, _tables, answer) => answer(db, { snapshot: sql`pg_current_snapshot()` }).from(sql`(select) as one`),
})

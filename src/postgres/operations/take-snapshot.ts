import { sql } from 'drizzle-orm'
import { nullable, snapshot } from '../kinds.ts'
import { operation } from '../operation.ts'
import { trustedSnapshot } from './history.ts'

/** The current snapshot, as text. Null on a standby. */
export const takeSnapshot = operation({
  name: 'take_snapshot',
  repeatable: 'always',
  rows: 'one',
  columns: { snapshot: nullable(snapshot) },
  build: (db, _tables, answer) => answer(db, { snapshot: trustedSnapshot }).from(sql`(select) as one`),
})

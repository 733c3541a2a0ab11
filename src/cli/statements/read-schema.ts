import { sql } from 'drizzle-orm'
import { bool } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'

/** Whether the search_path names a schema that exists and that the role may use. */
export const readSchema = operation({
  name: 'read_schema',
  repeatable: 'always',
  rows: 'one',
  columns: { hasSchema: bool },
  build: (db, _tables, answer) =>
    answer(db, { hasSchema: sql`current_schema() is not null` }).from(sql`(select) as one`),
})

import { HAS_SCHEMA } from '../../doctor/checks/migrations.ts'
import { bool } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'

/** Checks whether the search_path names a usable schema, for tables without an explicit schema. */
export const readSchema = operation({
  name: 'read_schema',
  repeatable: 'always',
  rows: 'one',
  columns: { hasSchema: bool },
  build: () => ({ select: { hasSchema: HAS_SCHEMA }, from: sql`(select) as one` }),
})

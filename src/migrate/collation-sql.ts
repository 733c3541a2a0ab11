/** Gives keys, tags and names of changes the collation `C`, if another tool created their columns. */
import type { TableNames } from '../schema/table-names.ts'
import { homeOid, homeTable, run } from './home-sql.ts'
import { lockStep } from './locks-sql.ts'

/**
 * `drizzle-kit push` cannot give a column a collation. It compares types by `format_type`, which leaves the collation
 * out. So it would alter a column with a collation at each push. This step rebuilds the column's index, but not the
 * table.
 */
export function collationSteps(tables: TableNames): string {
  const columns = [
    [tables.leases, 'key'],
    [tables.entries, 'key'],
    [tables.invalidations, 'tag'],
    [tables.changes, 'name'],
  ] as const
  const steps = columns.map(
    ([table, column]) => `if exists (
  select from pg_attribute
  where attrelid = ${homeOid(table)} and attname = '${column}' and attcollation <> 'pg_catalog."C"'::regcollation
) then
  ${lockStep('access exclusive')}
  ${run(`alter table ${homeTable(table)} alter column ${column} type text collate pg_catalog."C"`)}
end if;`,
  )
  return steps.join('\n')
}

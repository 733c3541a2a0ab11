/** The only list of the cache's own tables, for code that treats them differently from the user's. */
import type { NamedTable, TableNames } from './table-names.ts'

/** Lists all tables. SQLSTATEs refer to a table by its position here. */
export function ownTables({
  entries,
  leases,
  invalidations,
  state,
  changes,
  history,
}: TableNames): readonly NamedTable[] {
  return [entries, leases, invalidations, state, changes, history]
}

/** The only list of the cache's own tables, for code that treats them differently from the user's. */
import type { PgTable } from 'drizzle-orm/pg-core'
import type { CacheTables } from './index.ts'

/** Lists all tables. SQLSTATEs refer to a table by its position here. */
export function ownTables({
  entries,
  leases,
  invalidations,
  state,
  changes,
  history,
}: CacheTables): readonly PgTable[] {
  return [entries, leases, invalidations, state, changes, history]
}

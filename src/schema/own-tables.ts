/** The cache's own tables: the one list for whatever treats them otherwise than the user's. */
import type { PgTable } from 'drizzle-orm/pg-core'
import type { CacheTables } from './index.ts'

/** All of them, in the order in which they are locked. */
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

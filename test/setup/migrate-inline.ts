/** Stands in for `pgstash/migrate` in the project `inline statements`: it installs no routines. */

import type { Database } from 'pgstash'
import { type MigrateOptions, migrate as migrateTables } from '../../src/migrate/index.ts'
import { createRoutineUse } from '../../src/postgres/routines/routine-use.ts'
import { checkedTables } from '../../src/schema/checked-tables.ts'
import { DatabaseError } from '../../src/values/errors.ts'

export { type MigrateOptions, migrationSql } from '../../src/migrate/index.ts'

export async function migrate(db: Database, options: MigrateOptions = {}): Promise<void> {
  await migrateTables(db, { ...options, routines: false })
  // Otherwise the first call would find that out, in a round trip that tests count.
  const use = createRoutineUse(checkedTables(options.tables), () => {})
  use.noteMissing(new DatabaseError('The routines are missing.', { sqlState: '42883' }))
}

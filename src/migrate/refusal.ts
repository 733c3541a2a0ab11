/** The messages with which `migrate` refuses. The SQLSTATE names the table. */
import { ownTables } from '../schema/own-tables.ts'
import type { TableNames } from '../schema/table-names.ts'
import { DatabaseError } from '../values/errors.ts'
import { FOREIGN_FUNCTION_SQLSTATE } from './changes-sql.ts'
import { DISTRIBUTED } from './distributed-sql.ts'
import { GUARD } from './guard-sql.ts'

const LOCK_NOT_AVAILABLE = '55P03'

const OWN_NAMES =
  "Nothing was changed. Choose a schema or prefix of the cache's own: cacheTables({ schema, prefix }), or --schema and --table-prefix."

const MESSAGES: Readonly<Record<string, (name: string) => string>> = {
  [GUARD.foreign]: (name) => `Expected ${name} to be a table of the cache, but its columns or key differ. ${OWN_NAMES}`,
  [GUARD.untrusted]: (name) =>
    `Expected ${name} to belong to the role that migrates, a group of it, or a superuser: its owner could run code with that role's rights, and so could a trigger of another role. Nothing was changed. Migrate as the role that owns it, drop triggers of others, or choose a schema of the cache's own.`,
  [DISTRIBUTED]: (name) =>
    `Expected ${name} to be a plain table, but Citus distributes it or made it a reference table. Its rows have the transaction ids of other servers, so tags would not be exact. Nothing was changed. Choose a schema of the cache's own that is not distributed, or call undistribute_table('${name}').`,
  [GUARD.hidden]: (name) =>
    `Expected to see every row of ${name}, but row-level security applies to the role that migrates. Nothing was changed. Migrate as the table's owner, without FORCE ROW LEVEL SECURITY, or as a role with BYPASSRLS.`,
}

const LOCKED =
  "Another migration is running, or other transactions kept the cache's tables locked. Nothing was changed. Let the other migration finish. Otherwise find open transactions with `select pid, xact_start, query from pg_stat_activity order by xact_start`, end them, and migrate again."

/** Turns a failure into an error with advice if the migration itself refused. Returns other failures unchanged. */
export function refusal(failure: unknown, tables: TableNames): unknown {
  if (!(failure instanceof DatabaseError) || failure.sqlState === undefined) return failure
  const { sqlState, cause } = failure
  if (sqlState === LOCK_NOT_AVAILABLE) return new DatabaseError(LOCKED, { sqlState, cause })
  if (sqlState === FOREIGN_FUNCTION_SQLSTATE) {
    const refused =
      'Expected the functions of the cache to belong to the role that migrates: another role could replace them.'
    return new DatabaseError(`${refused} Nothing was changed. Migrate as their owner, or drop them first.`, {
      sqlState,
      cause,
    })
  }
  const table = ownTables(tables)[Number(sqlState.slice(-1))]
  const message = MESSAGES[sqlState.slice(0, -1)]
  if (table === undefined || message === undefined) return failure
  return new DatabaseError(message(table.tableName), { sqlState, cause })
}

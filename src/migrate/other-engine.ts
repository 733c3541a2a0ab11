/** Explains why a migration fails on an engine that speaks Postgres's protocol but is not Postgres. */
import { sql } from 'drizzle-orm'
import type { Database } from '../postgres/database.ts'
import { databaseFailure } from '../postgres/failure.ts'
import { missingCapabilities, missingMessage } from '../values/capabilities.ts'
import { DatabaseError } from '../values/errors.ts'

/**
 * Classes of SQLSTATEs with which such an engine fails: not supported, unknown, raised by a proxy, an internal error.
 */
const UNSUPPORTED = /^(?:0A|42(?!501)|58|P0|XX)/

/**
 * Returns an error that names the capabilities that the server lacks. Returns undefined if it lacks none, or if the
 * failure has another reason.
 */
export async function otherEngine(db: Database, failure: unknown): Promise<DatabaseError | undefined> {
  if (!(failure instanceof DatabaseError) || !UNSUPPORTED.test(failure.sqlState ?? '')) return undefined
  const missing = await missingCapabilities(
    async (holds) => firstCell(await db.execute(sql.raw(`select (${holds})::text as holds`))) === 'true',
    (error) => {
      const found = databaseFailure(error)
      return found instanceof DatabaseError ? found.sqlState : undefined
    },
  )
  if (missing.length === 0) return undefined
  const { sqlState = '', cause } = failure
  return new DatabaseError(`${missingMessage(missing)} Nothing was changed.`, { sqlState, cause })
}

/** Drivers return the rows, or an object with a property `rows`. A row is an object or an array of cells. */
function firstCell(result: unknown): unknown {
  const rows: unknown = Array.isArray(result) ? result : Reflect.get(Object(result), 'rows')
  const row: unknown = Array.isArray(rows) ? rows[0] : undefined
  return Object.values(Object(row))[0]
}

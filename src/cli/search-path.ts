/**
 * Distinguishes missing tables from a search_path without a usable schema. SQLSTATEs do not, and `pgstash migrate`
 * fixes only missing tables.
 */
import type { Database } from '../postgres/database.ts'
import { createRunner } from '../postgres/runner.ts'
import { DEFAULT_NAMING, namesOf } from '../schema/table-names.ts'
import { CacheError, DatabaseError } from '../values/errors.ts'
import { readSchema } from './statements/read-schema.ts'

/** SQLSTATEs of `migrate` if the search_path names no schema, or only the schema of temporary tables. */
const MISSING = new Set(['3F000', '42P16'])
const TIMEOUT_MS = 15_000

const NO_SCHEMA =
  'The search_path names no schema that exists and that the role may use. Correct it for the connection string, role or database, or pass --schema.'

/**
 * Returns the error, or a better one if the search_path has no usable schema. Costs a round trip if tables are missing.
 */
export async function withSearchPath(error: unknown, db: Database): Promise<unknown> {
  if (!(error instanceof CacheError) || !isAdvised(error)) return error
  const tables = namesOf(DEFAULT_NAMING)
  const runner = createRunner(db, { tables, timeoutMs: TIMEOUT_MS, preparedNames: false, warn: false })
  const hasSchema = await runner.run(readSchema).then(
    ([row]) => row?.hasSchema,
    () => undefined,
  )
  if (hasSchema !== false) return error
  return new DatabaseError(NO_SCHEMA, { cause: error })
}

function isAdvised(error: CacheError): boolean {
  if (error instanceof DatabaseError && MISSING.has(error.sqlState ?? '')) return true
  return error.message.includes('pgstash migrate')
}

/** Tells missing tables from a search_path that leads nowhere. SQLSTATEs do not, and `pgstash migrate` mends only the former. */
import type { Database } from '../postgres/database.ts'
import { createRunner } from '../postgres/runner.ts'
import { defaultTables } from '../schema/index.ts'
import { CacheError, DatabaseError } from '../values/errors.ts'
import { readSchema } from './statements/read-schema.ts'

/** What `migrate` fails with: no schema, or that of temporary tables. */
const MISSING = new Set(['3F000', '42P16'])
const TIMEOUT_MS = 15_000

const NO_SCHEMA =
  'The search_path names no schema that exists and that the role may use. Correct it in the connection string, or for the role or database; or pass --schema.'

/** The error, or a better one if the connection has no schema to look into. Costs a round trip if tables are missing. */
export async function withSearchPath(error: unknown, db: Database): Promise<unknown> {
  if (!(error instanceof CacheError) || !isAdvised(error)) return error
  const runner = createRunner(db, { tables: defaultTables, timeoutMs: TIMEOUT_MS, preparedNames: false, warn: false })
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

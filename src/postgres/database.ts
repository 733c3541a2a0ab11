/** The part of a Drizzle database that pgstash uses. */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { CacheError, DatabaseError, describeType, InvalidOptionError } from '../values/errors.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { withoutContent } from '../values/redact.ts'

/**
 * Any Drizzle Postgres database: neon-http, neon-serverless, node-postgres, postgres-js, pglite, pg-proxy, a transaction …
 *
 * Typed by shape, so that Drizzle 0.45 and 1.0 both fit, whatever their schema. A program may also have several copies of
 * Drizzle. Their classes differ for TypeScript, because they have private fields.
 */
export interface Database {
  select(...args: never[]): unknown
  with(...args: never[]): unknown
  execute(query: Executable): PromiseLike<unknown>
}

/** An SQL object of any copy of Drizzle. */
interface Executable {
  // biome-ignore lint/suspicious/noExplicitAny: only `any` is assignable to the `SQL` class of every copy of Drizzle
  getSQL(): any
}

/** A database, or a function that makes it when the first statement is sent. */
export type DatabaseSource = Database | (() => Database)

/** @throws InvalidOptionError if this is not a Drizzle Postgres database */
export function checkDatabase(db: unknown): void {
  if (!isDatabase(db)) {
    throw new InvalidOptionError(`Expected db to be a Drizzle Postgres database, got ${describeType(db)}.`)
  }
  refuseDataApi(db)
}

/** The session class of drizzle-orm/aws-data-api/pg, as Drizzle names it. */
const DATA_API_SESSION = 'AwsDataApiSession'

/**
 * The Data API ends a call whose row has more than 64 KB, so larger values could be stored but never read. Its errors have
 * no SQLSTATE, by which this package tells them apart.
 * Source: "Limitations for the Amazon RDS Data API", Amazon Aurora User Guide.
 */
function refuseDataApi(db: Database): void {
  const session: unknown = Reflect.get(db, 'session')
  if (Object(Object(session).constructor)[Symbol.for('drizzle:entityKind')] !== DATA_API_SESSION) return
  throw new InvalidOptionError(
    'Expected a driver other than the RDS Data API, which returns no row of more than 64 KB. Use one for TCP, such as pg.',
  )
}

/** @throws InvalidOptionError if this is neither a Drizzle Postgres database nor a function */
export function checkDatabaseSource(source: unknown): void {
  if (typeof source !== 'function') checkDatabase(source)
}

function isDatabase(db: unknown): db is Database {
  const { select, with: withQueries, execute } = Object(db)
  return [select, withQueries, execute].every((method) => typeof method === 'function')
}

/**
 * Returns the database, and makes it at the first call. If the function throws, the next call tries again, because a
 * variable that is missing now may be set later.
 *
 * @throws InvalidOptionError if the function does not return a database, DatabaseError if it throws
 */
export function openDatabase(source: DatabaseSource): () => Database {
  let db = isDatabase(source) ? primary(source) : undefined
  return () => (db ??= primary(make(source as () => Database)))
}

function make(source: () => Database): Database {
  let db: unknown
  try {
    db = source()
  } catch (error) {
    if (error instanceof CacheError || isFrameworkSignal(error)) throw error
    const cause = withoutContent(error)
    throw new DatabaseError(
      `The function that makes the database threw (${cause.name}): check its connection string.`,
      {
        sent: false,
        cause,
      },
    )
  }
  if (!isDatabase(db)) {
    throw new InvalidOptionError(
      `Expected the function to return a Drizzle Postgres database, got ${describeType(db)}.`,
    )
  }
  refuseDataApi(db)
  // The owner of a transaction decides whether the cache's writes commit.
  if (isTransaction(db)) throw new InvalidOptionError('Expected the function to return a database, got a transaction.')
  return db
}

/** True for a transaction, because only that has a method to end it. */
export function isTransaction(source: DatabaseSource): boolean {
  return 'rollback' in source
}

/** The primary. Drizzle sends every select to a read replica if there is one, and our writes are selects with a CTE. */
export function primary(db: Database): Database {
  const inner = Reflect.get(db, '$primary') as Database | undefined
  // The primary may itself have replicas.
  return inner === undefined ? db : primary(inner)
}

/** The database type that operations are built with. */
// biome-ignore lint/suspicious/noExplicitAny: the user's own schema, which is invariant in Drizzle's types, does not matter here
export type QueryDatabase = PgDatabase<PgQueryResultHKT, any, any>

/** A Drizzle query before it is prepared. */
export interface Preparable {
  toSQL(): { sql: string; params: unknown[] }
  prepare(name: string | undefined): Prepared
  $withCache(config: false): unknown
}

/** A prepared Drizzle query. */
export interface Prepared {
  execute(values?: Record<string, unknown>): Promise<unknown>
  getQuery(): { sql: string; params: unknown[] }
}

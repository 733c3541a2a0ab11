/** The forms in which users pass their database. */
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { CacheError, DatabaseError, describeType, InvalidOptionError } from '../values/errors.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { withoutContent } from '../values/redact.ts'
import { isClient } from './connections/client-sender.ts'
import { checkConnectionString, openConnectionString } from './connections/connection-string.ts'
import { ENTITY_KIND } from './drivers/session-kind.ts'

/**
 * Any Drizzle Postgres database: neon-http, neon-serverless, node-postgres, postgres-js, pglite, pg-proxy, a
 * transaction …
 *
 * Typed by shape, so that Drizzle 0.45 and 1.0 both fit, with any schema. A program may also have several copies of
 * Drizzle. TypeScript treats their classes as different, because they have private fields.
 */
export interface Database {
  /** Starts a select. */
  select(...args: never[]): unknown
  /** Starts a statement with common table expressions. */
  with(...args: never[]): unknown
  /** Runs a statement. */
  execute(query: Executable): PromiseLike<unknown>
}

/** An SQL object of any copy of Drizzle. */
interface Executable {
  // biome-ignore lint/suspicious/noExplicitAny: only `any` is assignable to the `SQL` class of every copy of Drizzle
  getSQL(): any
}

/**
 * A driver's own client, without Drizzle: a `neon()` function, a pool or client of pg or neon-serverless, the `sql` of
 * postgres-js or Bun, a PGlite. Typed by shape, so that pgstash needs no driver's package.
 */
export type DatabaseClient = HttpFunction | Connectable | SqlFunction | Pglite

interface HttpFunction {
  (...args: never[]): unknown
  query(...args: never[]): unknown
  transaction(...args: never[]): unknown
}
interface Connectable {
  connect(...args: never[]): unknown
  query(...args: never[]): unknown
}
interface SqlFunction {
  (...args: never[]): unknown
  unsafe(...args: never[]): unknown
}
interface Pglite {
  exec(...args: never[]): unknown
  query(...args: never[]): unknown
}

/** A database in any form: a Drizzle database, a driver's client, or a connection string. */
export type AnyDatabase = Database | DatabaseClient | string

/** A database, or a function that returns it when the first statement is sent. */
export type DatabaseSource = AnyDatabase | (() => AnyDatabase)

const EXPECTED = "a connection string, a driver's client, or a Drizzle Postgres database"

/**
 * Checks that this is a Drizzle database, for functions that return or wrap parts of one. @throws InvalidOptionError
 */
export function checkDatabase(db: unknown): asserts db is Database {
  if (!isDatabase(db)) {
    throw new InvalidOptionError(`Expected db to be a Drizzle Postgres database, got ${describeType(db)}.`)
  }
  refuseDataApi(db)
}

/** The session class of drizzle-orm/aws-data-api/pg, as Drizzle names it. */
const DATA_API_SESSION = 'AwsDataApiSession'

/**
 * The Data API ends a call whose row has more than 64 KB, so larger values could be stored but never read. Its errors
 * have no SQLSTATE, which this package needs to tell failures apart. Source: "Limitations for the Amazon RDS Data API",
 * Amazon Aurora User Guide.
 */
function refuseDataApi(db: Database): void {
  const session: unknown = Reflect.get(db, 'session')
  if (Object(Object(session).constructor)[ENTITY_KIND] !== DATA_API_SESSION) return
  throw new InvalidOptionError(
    'Expected a driver other than the RDS Data API, which returns no row of more than 64 KB. Use one for TCP, such as pg.',
  )
}

/** @throws InvalidOptionError if this is neither a database nor a function, without any part of a connection string */
export function checkDatabaseSource(source: unknown): void {
  if (!isFunction(source)) checkAny('db', source)
}

/** @param name how the message names it @throws InvalidOptionError */
function checkAny(name: string, db: unknown): void {
  if (typeof db === 'string') checkConnectionString(db)
  else if (isDatabase(db)) refuseDataApi(db)
  else if (!isClient(db)) {
    const hint = db === undefined ? ' Is its variable set?' : ''
    throw new InvalidOptionError(`Expected ${name} to be ${EXPECTED}, got ${describeType(db)}.${hint}`)
  }
}

/** True for a function that returns the database. Some clients are functions as well. */
function isFunction(source: unknown): source is () => unknown {
  return typeof source === 'function' && !isDatabase(source) && !isClient(source)
}

function isDatabase(db: unknown): db is Database {
  const { select, with: withQueries, execute } = Object(db)
  return [select, withQueries, execute].every((method) => typeof method === 'function')
}

/**
 * Returns the database, and makes it at the first call. Only a connection string that needs TCP takes time.
 *
 * If opening fails, the next call tries again, because a variable that is missing now may be set later.
 *
 * @param over makes a database from a driver's client
 * @throws InvalidOptionError if a function does not return a database, DatabaseError if it throws or a driver is
 *   missing
 */
export function openDatabase<Opened extends object>(
  source: DatabaseSource,
  over: (client: object) => Opened,
): () => Database | Opened | Promise<Database | Opened> {
  checkDatabaseSource(source)
  let db: Database | Opened | undefined
  const keep = (client: object) => (db ??= over(client))
  return () => {
    if (db !== undefined) return db
    const given = isFunction(source) ? make(source) : source
    if (typeof given !== 'string') {
      db = isDatabase(given) ? primary(given) : over(given)
      return db
    }
    const client = openConnectionString(given)
    return client instanceof Promise ? client.then(keep) : keep(client)
  }
}

function make(source: () => unknown): AnyDatabase {
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
  checkAny('what the function returns', db)
  // The owner of a transaction decides whether the cache's writes commit.
  if (isTransaction(db)) throw new InvalidOptionError('Expected the function to return a database, got a transaction.')
  return db as AnyDatabase
}

/** True for a transaction of Drizzle or PGlite, which can be rolled back, or of postgres-js, which has savepoints. */
export function isTransaction(source: unknown): boolean {
  const given = Object(source)
  return typeof source !== 'string' && ('rollback' in given || 'savepoint' in given)
}

/**
 * Returns the primary. Drizzle sends every select to a read replica if there is one, and our writes are selects with a
 * CTE.
 */
export function primary(db: Database): Database {
  const inner = Reflect.get(db, '$primary') as Database | undefined
  // The primary may itself have replicas.
  return inner === undefined ? db : primary(inner)
}

/** The type of Drizzle's databases, for statements that are built with Drizzle. */
// biome-ignore lint/suspicious/noExplicitAny: any schema of the user fits, although Drizzle's types are invariant in it
export type QueryDatabase = PgDatabase<PgQueryResultHKT, any, any>

/** What pgstash asks of a Drizzle database. */
import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import { CacheError, DatabaseError, describeType, InvalidOptionError } from '../values/errors.ts'
import { isFrameworkSignal } from '../values/framework-signal.ts'
import { withoutContent } from '../values/redact.ts'

/**
 * Any Drizzle Postgres database: neon-http, neon-serverless, node-postgres, postgres-js, pglite, pg-proxy, a transaction …
 *
 * By its shape, so that Drizzle 0.45's and 1.0's both fit, whatever schema they were made with.
 */
export interface Database {
  select(...args: never[]): unknown
  with(...args: never[]): unknown
  execute(query: SQL): PromiseLike<unknown>
}

/** A database, or a function that makes it when the first statement is sent. */
export type DatabaseSource = Database | (() => Database)

/** @throws InvalidOptionError when this is no Drizzle Postgres database */
export function checkDatabase(db: unknown): void {
  if (isDatabase(db)) return
  throw new InvalidOptionError(`Expected db to be a Drizzle Postgres database, got ${describeType(db)}.`)
}

/** @throws InvalidOptionError when this is neither a Drizzle Postgres database nor a function */
export function checkDatabaseSource(source: unknown): void {
  if (typeof source !== 'function') checkDatabase(source)
}

function isDatabase(db: unknown): db is Database {
  const { select, with: withQueries, execute } = Object(db)
  return [select, withQueries, execute].every((method) => typeof method === 'function')
}

/**
 * Answers with the database, made at the first call that succeeds: a variable that is missing now may be there later.
 *
 * @throws InvalidOptionError when the function does not return a database, DatabaseError when it throws
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
  // Its owner decides whether the cache's writes commit or roll back.
  if (isTransaction(db)) throw new InvalidOptionError('Expected the function to return a database, got a transaction.')
  return db
}

/** A transaction of the caller's has the method that ends it. */
export function isTransaction(source: DatabaseSource): boolean {
  return 'rollback' in source
}

/** With read replicas Drizzle sends every select to one of them, and our writes are selects with a CTE. */
export function primary(db: Database): Database {
  const inner = Reflect.get(db, '$primary') as Database | undefined
  // The primary may itself have replicas.
  return inner === undefined ? db : primary(inner)
}

/** The same, as operations are built with it. */
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

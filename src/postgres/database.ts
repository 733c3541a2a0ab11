/** What pgstash asks of a Drizzle database, and how an operation on it is declared. */
import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
import type { CacheTables } from '../schema.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

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

/** @throws InvalidOptionError when this is no Drizzle Postgres database */
export function checkDatabase(db: unknown): void {
  const { select, with: withQueries, execute } = Object(db)
  if ([select, withQueries, execute].every((method) => typeof method === 'function')) return
  throw new InvalidOptionError(`Expected db to be a Drizzle Postgres database, got ${describeType(db)}.`)
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

/**
 * Whether a statement may be sent again after a failure that leaves open what happened: `always` for reads (and
 * statements that carry a client-made token), otherwise `unsent`: only when the first certainly never reached the
 * server, because it may have committed. `never` inside a transaction, which the failure has ended.
 */
export type Repeatable = 'always' | 'unsent' | 'never'

/** A Drizzle query before it is prepared. */
export interface Preparable<Row> {
  toSQL(): { sql: string; params: unknown[] }
  prepare(name: string): Prepared<Row>
  $withCache(config: false): unknown
  readonly _: { readonly selectedFields: object }
}

/** A prepared Drizzle query. */
export interface Prepared<Row> {
  execute(values?: Record<string, unknown>): Promise<Row[]>
  getQuery(): { sql: string; params: unknown[] }
}

/** One statement: how to build it with Drizzle, and whether it may be repeated. */
export interface Operation<Row> {
  readonly repeatable: Repeatable
  readonly build: (db: QueryDatabase, tables: CacheTables) => Preparable<Row>
}

/**
 * Declares an operation; its rows' type comes from the query.
 *
 * It selects only what every driver delivers as it is: text, booleans, `int`, and `float8` for other numbers.
 */
export function operation<Row>(repeatable: Repeatable, build: Operation<Row>['build']): Operation<Row> {
  return { repeatable, build }
}

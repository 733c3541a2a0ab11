/** What pgstash asks of a Drizzle database. */
import type { SQL } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core'
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

/** A Drizzle query before it is prepared. */
export interface Preparable {
  toSQL(): { sql: string; params: unknown[] }
  prepare(name: string): Prepared
  $withCache(config: false): unknown
}

/** A prepared Drizzle query. */
export interface Prepared {
  execute(values?: Record<string, unknown>): Promise<unknown>
  getQuery(): { sql: string; params: unknown[] }
}

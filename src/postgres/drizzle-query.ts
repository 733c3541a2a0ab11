/** Builds our statements with Drizzle's query builder, for databases and batches that take nothing else. */
import type { SQL } from 'drizzle-orm'
import { drizzleSql } from '../schema/drizzle-sql.ts'
import type { QueryDatabase } from './database.ts'
import type { Statement } from './operation.ts'

/** Statements of ours that a program runs itself. They contain no Drizzle tables, and write only tables of the cache. */
const own = new WeakSet<object>()

export function markAsOwn(statement: object): void {
  own.add(statement)
}

export function isOwnStatement(statement: unknown): boolean {
  return typeof statement === 'object' && statement !== null && own.has(statement)
}

/**
 * @param fields the cells of the statement, under the names of the answer's columns
 * @param valueFor returns the value of a parameter. Default: the parameter stays a placeholder.
 */
export function drizzleQuery<Fields extends Record<string, SQL | SQL.Aliased>>(
  db: QueryDatabase,
  { with: ctes, from }: Pick<Statement, 'with' | 'from'>,
  fields: Fields,
  valueFor?: (name: string) => unknown,
) {
  const steps = ctes.map(({ name, query }) => db.$with(name, {}).as(drizzleSql(query, valueFor)))
  const start: Pick<QueryDatabase, 'select'> = steps.length > 0 ? db.with(...steps) : db
  return start.select(fields).from(drizzleSql(from, valueFor))
}

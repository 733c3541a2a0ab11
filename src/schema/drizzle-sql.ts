/** Converts our SQL to Drizzle's, for statements that run through Drizzle. */
import { sql as drizzle, getTableColumns, type SQL } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Condition } from './conditions.ts'
import { mapPieces, type Sql } from './sql.ts'
import { namesOf, type TableNaming } from './table-names.ts'

/** @param valueFor returns what takes the place of a parameter. Default: Drizzle's placeholder of that name. */
export function drizzleSql<T = unknown>(
  statement: Sql,
  valueFor: (name: string) => unknown = (name) => drizzle.placeholder(name),
): SQL<T> {
  const pieces = mapPieces(
    statement,
    (piece) => drizzle.raw(piece),
    (name) => drizzle`${valueFor(name)}`,
  )
  return drizzle.join(pieces) as SQL<T>
}

/** Converts a condition on entries. It contains Drizzle's columns, because a relational query renames their table. */
export function drizzleCondition(
  condition: Condition,
  tables: TableNaming & { readonly entries: PgTable },
): SQL<boolean> {
  const names = namesOf(tables)
  const columns = Object.values(getTableColumns(tables.entries))
  const [start = '', ...rest] = condition(names).text.split(`${names.entries.text}.`)
  const pieces = rest.flatMap((piece) => {
    const end = piece.indexOf('"', 1)
    const column = columns.find(({ name }) => name === piece.slice(1, end))
    return [drizzle`${column}`, drizzle.raw(piece.slice(end + 1))]
  })
  return drizzle.join([drizzle.raw(start), ...pieces]) as SQL<boolean>
}

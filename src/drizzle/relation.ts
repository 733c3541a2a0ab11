/** Tables and their keys, as people name them. */
import { type Column, getTableName, is, type Table, View } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { describeType, InvalidOptionError } from '../values/errors.ts'

/** A table of the user's: a Drizzle table, or its name with or without schema, quoted as in SQL where it has to be. */
export type Watchable = Table | string

/** A name with a tag: a view and a materialized view have one, too. They cannot be watched. */
export type Taggable = Watchable | View

export interface Relation {
  /** Undefined: the first of the search path that has the table. */
  readonly schema: string | undefined
  readonly name: string
}

/** Where Drizzle keeps a table's own name, also under an alias. */
const BASE_NAME = Symbol.for('drizzle:BaseName')
/** Where Drizzle keeps a view's name and its query. */
const VIEW = Symbol.for('drizzle:ViewBaseConfig')
const QUOTED = /^(?:(?<schema>"(?:[^"]|"")+"|[^".]+)\.)?(?<name>"(?:[^"]|"")+"|[^".]+)$/

/** @throws InvalidOptionError */
export function relationOf(table: Taggable): Relation {
  if (typeof table === 'string') return named(table)
  if (isView(table)) {
    const { schema, originalName } = viewOf(table)
    return { schema, name: originalName }
  }
  if (!isPgTable(table)) {
    throw new InvalidOptionError(
      `Expected a Drizzle table or view of Postgres or its name, got ${describeType(table)}.`,
    )
  }
  const name: unknown = Reflect.get(table, BASE_NAME)
  return { schema: getTableConfig(table).schema, name: typeof name === 'string' ? name : getTableName(table) }
}

/** Drizzle's `is` fails on what has no prototype, such as the schema of an `import * as schema`. */
export function isPgTable(value: unknown): value is PgTable {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null && is(value, PgTable)
}

/** The same caution as in {@link isPgTable}. */
export function isView(value: unknown): value is View {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null && is(value, View)
}

/** A view's own name, also under an alias, and the query that defines it; undefined for `existing()`. */
export function viewOf(view: View) {
  return Reflect.get(view, VIEW) as {
    readonly schema: string | undefined
    readonly originalName: string
    readonly query: unknown
  }
}

function named(text: string): Relation {
  if (text === '' || text.includes('\0') || !text.isWellFormed()) {
    throw new InvalidOptionError(
      "Expected a table's name of at least one character, without U+0000 and lone surrogates.",
    )
  }
  const quoted = text.includes('"') ? QUOTED.exec(text)?.groups : undefined
  if (quoted?.name !== undefined) {
    return { schema: quoted.schema === undefined ? undefined : unquoted(quoted.schema), name: unquoted(quoted.name) }
  }
  // As Drizzle writes names: the first dot ends the schema.
  const dot = text.indexOf('.')
  return dot > 0 && dot < text.length - 1
    ? { schema: text.slice(0, dot), name: text.slice(dot + 1) }
    : { schema: undefined, name: text }
}

function unquoted(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part
}

/** The columns of a Drizzle table's primary key, in its order; undefined for a table that is only named. */
export function primaryKeyOf(table: Taggable): readonly Column[] | undefined {
  if (!isPgTable(table)) return undefined
  const { columns, primaryKeys } = getTableConfig(table)
  const [composite] = primaryKeys
  if (composite === undefined) return columns.filter(({ primary }) => primary)
  // The key's own columns are stand-ins that know no more than their names.
  return composite.columns.flatMap(({ name }) => columns.filter((column) => column.name === name))
}

/** Tables, views and their primary keys, by Drizzle object or by name. */
import { type Column, getTableName, is, type Table, View } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { describeType, InvalidOptionError } from '../values/errors.ts'

/** A table of the user: a Drizzle table, or a name with or without schema, quoted as in SQL if necessary. */
export type Watchable = Table | string

/** A table or view that has a tag. Views have tags too, but cannot be watched. */
export type Taggable = Watchable | View

export interface Relation {
  /** Undefined: the first schema of the search path that has the table. */
  readonly schema: string | undefined
  readonly name: string
}

/** The property where Drizzle keeps a table's own name, even under an alias. */
const BASE_NAME = Symbol.for('drizzle:BaseName')
/** The property where Drizzle keeps a view's name and query. */
const VIEW = Symbol.for('drizzle:ViewBaseConfig')
const QUOTED = /^(?:(?<schema>"(?:[^"]|"")+"|[^".]+)\.)?(?<name>"(?:[^"]|"")+"|[^".]+)$/

/** @throws InvalidOptionError */
export function relationOf(table: Taggable): Relation {
  if (typeof table === 'string') return parseName(table)
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

/**
 * True for a Postgres table. Drizzle's `is` throws for objects without a prototype, such as the namespace of
 * `import * as`.
 */
export function isPgTable(value: unknown): value is PgTable {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null && is(value, PgTable)
}

/** True for a view, with the same caution as {@link isPgTable}. */
export function isView(value: unknown): value is View {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== null && is(value, View)
}

/** Returns a view's own name, even under an alias, and its defining query, which is undefined for `existing()`. */
export function viewOf(view: View) {
  return Reflect.get(view, VIEW) as {
    readonly schema: string | undefined
    readonly originalName: string
    readonly query: unknown
  }
}

function parseName(text: string): Relation {
  if (text === '' || text.includes('\0') || !text.isWellFormed()) {
    throw new InvalidOptionError(
      "Expected a table's name of at least one character, without U+0000 and lone surrogates.",
    )
  }
  const quoted = text.includes('"') ? QUOTED.exec(text)?.groups : undefined
  if (quoted?.name !== undefined) {
    return { schema: quoted.schema === undefined ? undefined : unquote(quoted.schema), name: unquote(quoted.name) }
  }
  // Split as Drizzle does: the first dot ends the schema.
  const dot = text.indexOf('.')
  return dot > 0 && dot < text.length - 1
    ? { schema: text.slice(0, dot), name: text.slice(dot + 1) }
    : { schema: undefined, name: text }
}

function unquote(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part
}

/** Returns the columns of a Drizzle table's primary key in key order, or undefined for a name. */
export function primaryKeyOf(table: Taggable): readonly Column[] | undefined {
  if (!isPgTable(table)) return undefined
  const { columns, primaryKeys } = getTableConfig(table)
  const [composite] = primaryKeys
  if (composite === undefined) return columns.filter(({ primary }) => primary)
  // The columns of a composite key are stand-ins that have only a name.
  return composite.columns.flatMap(({ name }) => columns.filter((column) => column.name === name))
}

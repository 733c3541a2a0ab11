/**
 * The tags of tables and rows. The triggers of watched tables write the same tags: `watch-sql.ts` builds them in SQL.
 */
import type { Column } from 'drizzle-orm'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { primaryKeyOf, relationOf, type Taggable, type Watchable } from './relation.ts'

/** A value of a primary key. For any other type, pass the text that Postgres prints for the value. */
export type KeyValue = string | number | bigint | boolean | Date | Uint8Array

/**
 * A row's primary key: the value or, for a key of several columns, the values in key order. With a Drizzle table, it
 * may also be an object of values by column name.
 */
export type RowId = KeyValue | readonly KeyValue[] | Readonly<Record<string, KeyValue>>

/**
 * Returns `<schema>.<name>` of a table, with `public` if no schema is given.
 *
 * Separators in names are escaped, so that two tables never share a tag.
 */
export function tagBase(table: Taggable): string {
  const { schema = 'public', name } = relationOf(table)
  return `${escapeSeparators(schema)}.${escapeSeparators(name)}`
}

function escapeSeparators(name: string): string {
  return name.replace(/[\\.:]/g, '\\$&')
}

/**
 * Returns the tag for entries that depend on a table or view. Each write of a watched table invalidates it.
 *
 * No trigger runs when a materialized view is refreshed. `refreshMaterializedView` of `withInvalidation` invalidates
 * its tag.
 *
 * @throws InvalidOptionError
 * @example
 * await cache.getOrSet('top', () => db.select().from(topProducts), { tags: [tableTag(topProducts)] })
 */
export function tableTag(table: Taggable): string {
  return `table:${tagBase(table)}`
}

/**
 * Returns the tag for entries that depend on one row, for tables that are watched with `rows`.
 *
 * The tag contains the key as Postgres prints it. A `Date` has only milliseconds: if a key has microseconds, pass its
 * text in UTC.
 *
 * @throws InvalidOptionError
 * @example
 * await cache.getOrSet(`product:${id}`, () => product(id), { tags: [rowTag(products, id)] })
 */
export function rowTag(table: Watchable, id: RowId): string {
  const columns = primaryKeyOf(table)
  const values = valuesOf(id, columns)
  if (values.length === 0 || (columns !== undefined && columns.length !== values.length)) {
    throw new InvalidOptionError(
      `Expected the values of a primary key of ${columns?.length || 'at least one'} columns, got ${values.length}.`,
    )
  }
  return `row:${tagBase(table)}:${values.map((value, i) => keyText(value, columns?.[i])).join(',')}`
}

function valuesOf(id: RowId, columns: readonly Column[] | undefined): readonly unknown[] {
  if (Array.isArray(id)) return id
  if (typeof id !== 'object' || id === null || id instanceof Date || id instanceof Uint8Array) return [id]
  if (columns === undefined) {
    throw new InvalidOptionError(
      "Expected a list of the key's values in key order: only a Drizzle table knows its columns' names.",
    )
  }
  // Own fields only: a column may be called `constructor`.
  const byName = new Map(Object.entries(id))
  return columns.map((column) => byName.get(propertyOf(column)) ?? byName.get(column.name))
}

/** Returns the table's property for a column, which may differ from the column's name in the database. */
function propertyOf(column: Column): string {
  const [property] = Object.entries(column.table).find(([, value]) => value === column) ?? []
  return property ?? column.name
}

/** Escapes the separator of values. */
function keyText(value: unknown, column: Column | undefined): string {
  return postgresText(value, column).replace(/[\\,]/g, '\\$&')
}

/** Returns the text that Postgres prints with the trigger's settings. */
function postgresText(value: unknown, column: Column | undefined): string {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0') || !value.isWellFormed()) break
      // Postgres prints a uuid in lower case.
      return column?.getSQLType() === 'uuid' ? value.toLowerCase() : value
    case 'number':
      if (Number.isSafeInteger(value)) return String(value)
      break
    case 'bigint':
      return String(value)
    case 'boolean':
      return value ? 't' : 'f'
    default:
      if (value instanceof Uint8Array) return `\\x${hex(value)}`
      if (value instanceof Date) return instantText(value, column)
  }
  throw new InvalidOptionError(
    `Expected a value of a primary key to be a string, a safe integer, a bigint, a boolean, a Date or bytes, got ${describeType(value)}.`,
  )
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function instantText(instant: Date, column: Column | undefined): string {
  const year = instant.getUTCFullYear()
  if (!(year >= 1 && year <= 9999)) {
    throw new InvalidOptionError('Expected a Date of the years 1 to 9999 in a primary key.')
  }
  const [day = '', clock = '', milliseconds = ''] = instant.toISOString().split(/[T.Z]/)
  const type = column?.getSQLType() ?? ''
  if (type === 'date') return day
  const fraction = milliseconds.replace(/0+$/, '')
  const isLocal = type.startsWith('timestamp') && !type.endsWith('with time zone')
  return `${day} ${clock}${fraction && '.'}${fraction}${isLocal ? '' : '+00'}`
}

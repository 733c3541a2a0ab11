/** The tags that watched tables' triggers note. `watch-sql.ts` says the same in SQL. */
import type { Column } from 'drizzle-orm'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { primaryKeyOf, relationOf, type Taggable, type Watchable } from './relation.ts'

/** A value of a primary key. Anything that this cannot express is a string: the text that Postgres prints for it. */
export type KeyValue = string | number | bigint | boolean | Date | Uint8Array

/**
 * A row by its primary key: the value; for a key of several columns the values in the key's order, or, with a Drizzle
 * table, an object by its columns' names.
 */
export type RowId = KeyValue | readonly KeyValue[] | Readonly<Record<string, KeyValue>>

/**
 * `<schema>.<name>` of a table; a name without a schema is in `public`, as the tag has it.
 *
 * Separators in names are escaped, so that two tables never share a tag.
 */
export function tagBase(table: Taggable): string {
  const { schema = 'public', name } = relationOf(table)
  return `${escaped(schema)}.${escaped(name)}`
}

function escaped(name: string): string {
  return name.replace(/[\\.:]/g, '\\$&')
}

/**
 * The tag of everything that was made from a table or view: each write of a watched table invalidates it.
 *
 * No trigger sees that a materialized view is refreshed. `refreshMaterializedView` of `withInvalidation` invalidates its tag.
 *
 * @throws InvalidOptionError
 * @example
 * await cache.getOrSet('top', () => db.select().from(topProducts), { tags: [tableTag(topProducts)] })
 */
export function tableTag(table: Taggable): string {
  return `table:${tagBase(table)}`
}

/**
 * The tag of what was made from one row, for tables that are watched with `rows`.
 *
 * The key's text is what Postgres prints. A `Date` has milliseconds: where a key has microseconds, pass its text, in UTC.
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
      "Expected the key's values in its order: only a Drizzle table knows its columns' names.",
    )
  }
  const byName = id as Readonly<Record<string, unknown>>
  return columns.map((column) => byName[propertyOf(column)] ?? byName[column.name])
}

/** The name under which the table has a column, which may be another than the database's. */
function propertyOf(column: Column): string {
  const [property] = Object.entries(column.table).find(([, value]) => value === column) ?? []
  return property ?? column.name
}

/** Escapes what separates the values. */
function keyText(value: unknown, column: Column | undefined): string {
  return printed(value, column).replace(/[\\,]/g, '\\$&')
}

/** As Postgres prints it, with the settings that the trigger has. */
function printed(value: unknown, column: Column | undefined): string {
  switch (typeof value) {
    case 'string':
      if (value.includes('\0') || !value.isWellFormed()) break
      // Postgres prints the canonical form, whatever came in.
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

/** The names of the cache's tables and columns, as SQL. */

import { quoteName, quoteText, type Sql, sql } from './sql.ts'
import { literal } from './sql-text.ts'

/** The columns of each table, as `cacheTables` names them. */
const COLUMNS = {
  entries: [
    'key',
    'value',
    'number',
    'expiresAt',
    'keptUntil',
    'cleanupSlot',
    'tags',
    'filledAt',
    'computeMs',
    'createdAt',
    'updatedAt',
    'writtenBy',
    'meta',
  ],
  leases: ['key', 'token', 'claimedAt', 'xid', 'expiresAt', 'seen', 'cleanupSlot'],
  invalidations: ['tag', 'xid'],
  state: ['name', 'value', 'updatedAt'],
  changes: ['xid', 'kind', 'name'],
  history: [
    'name',
    'bucketAt',
    'hits',
    'misses',
    'stale',
    'writes',
    'deletes',
    'invalidations',
    'fills',
    'fillMs',
    'slowestFillMs',
    'cleanups',
    'removed',
    'errors',
    'allowed',
    'refused',
  ],
} as const

type Columns = typeof COLUMNS

/** A table. Its text is the qualified name. */
export interface NamedTable extends Sql {
  /** The name without its schema and quotes. */
  readonly tableName: string
}

/** The tables of one cache. The text of a column is its qualified name. */
export type TableNames = TableNaming & {
  readonly [Table in keyof Columns]: NamedTable & { readonly [Column in Columns[Table][number]]: Sql }
}

/** The parts of the names of tables. A result of `cacheTables` has these fields. */
export interface TableNaming {
  readonly schema: string | undefined
  readonly prefix: string
}

/** The tables of caches that were created without `tables`. */
export const DEFAULT_NAMING: TableNaming = { schema: undefined, prefix: '' }

const known = new WeakMap<TableNaming, TableNames>()

/** Returns the names of these tables: for the same object always the same names. */
export function namesOf(tables: TableNaming): TableNames {
  let names = known.get(tables)
  if (names === undefined) {
    names = createNames(tables)
    known.set(tables, names)
  }
  return names
}

function createNames({ schema, prefix }: TableNaming): TableNames {
  const table = (name: string, columns: readonly string[]) => {
    const tableName = `${prefix}cache_${name}`
    const qualified = schema === undefined ? quoteName(tableName) : sql`${quoteName(schema)}.${quoteName(tableName)}`
    const column = (each: string) => sql`${qualified}.${quoteName(columnName(each))}`
    return { ...qualified, tableName, ...Object.fromEntries(columns.map((each) => [each, column(each)])) }
  }
  const tables = Object.entries(COLUMNS).map(([name, columns]) => [name, table(name, columns)])
  return { schema, prefix, ...Object.fromEntries(tables) }
}

/** Returns the name of a column in the database: `expires_at` for `expiresAt`. */
export function columnName(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

/** SQL: the table's oid, where operators and functions are resolved in `pg_catalog` only. */
export function regclass({ text }: NamedTable): string {
  return `pg_catalog.to_regclass(${literal(text)})`
}

/**
 * SQL: the table's oid. Null if the table does not exist, or the role may not see it. If the table has no schema, the
 * search path decides.
 */
export function oidOf({ text }: NamedTable): Sql {
  return sql`to_regclass(${quoteText(text)}::text)`
}

/** The name of a table for people, and for Drizzle. */
export function shownName({ schema }: TableNaming, { tableName }: NamedTable): string {
  return schema === undefined ? tableName : `${schema}.${tableName}`
}

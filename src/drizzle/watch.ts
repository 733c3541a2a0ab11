/**
 * `watchTables`: every write of a table, by any program, invalidates entries that depend on it, in the writer's
 * transaction.
 */
import { sql } from 'drizzle-orm'
import { databaseOver } from '../postgres/connections/client-database.ts'
import { type DatabaseSource, openDatabase, type QueryDatabase } from '../postgres/database.ts'
import { databaseFailure } from '../postgres/failure.ts'
import { withRetries } from '../postgres/retry.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import type { CacheTables } from '../schema/index.ts'
import type { TableNames } from '../schema/table-names.ts'
import { DatabaseError, describeType, InvalidOptionError } from '../values/errors.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { isPgTable, isView, relationOf, type Watchable } from './relation.ts'
import { REFUSALS, unwatchSql, watchSql } from './watch-sql.ts'
import { type WatchedTable, watchedRows } from './watched.ts'

/** Options of {@link unwatchTables}, {@link unwatchAllTables} and {@link watchedTables}. */
export interface WatchOptions {
  /** The cache's tables, from `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
}

/** Options of {@link watchTables}. */
export interface WatchTablesOptions extends WatchOptions {
  /**
   * Whether to log a tag for each row as well, by its primary key; default false. It costs one row in the log per row
   * written, and two if the key changes. TRUNCATE then reads the table first.
   */
  rows?: boolean | undefined
}

/** The tables to watch: a Drizzle table or a name, or several. */
export type Watchables = Watchable | Iterable<Watchable>

/**
 * Creates triggers on your tables that log each insert, update, delete and truncate in the writer's transaction.
 *
 * Every write, including psql and cascades, then invalidates `tableTag(table)`, and with `rows` each
 * `rowTag(table, id)`, exactly when it commits. It is one idempotent statement. Run it where you migrate, and again to
 * cover new partitions or to change `rows`. The role needs the right to create triggers on the tables, and functions in
 * the cache's schema. Roles that write the tables need no right on the cache.
 *
 * @throws InvalidOptionError if an argument is not a table, or is a table of the cache; DatabaseError
 * @example
 * await watchTables(db, [products, prices], { rows: true })
 */
export async function watchTables(db: DatabaseSource, tables: Watchables, options?: WatchTablesOptions): Promise<void> {
  const given = toArray(tables)
  const { rows = false, tables: own } = optionsObject<WatchTablesOptions>(options, ['rows', 'tables'])
  const statement = watchSql(given, boolean('rows', rows), checkedTables(own))
  if (given.length > 0) await execute(db, statement)
}

/**
 * Removes the triggers of tables. Ignores tables that are not watched.
 *
 * @throws InvalidOptionError, DatabaseError
 * @example
 * await unwatchTables(db, [products, prices])
 */
export async function unwatchTables(db: DatabaseSource, tables: Watchables, options?: WatchOptions): Promise<void> {
  const given = toArray(tables)
  const statement = unwatchSql(given, cacheTablesOf(options))
  if (given.length > 0) await execute(db, statement)
}

/**
 * Removes all triggers of a cache, for example before you drop its tables.
 *
 * @throws InvalidOptionError, DatabaseError
 * @example
 * await unwatchAllTables(db)
 */
export async function unwatchAllTables(db: DatabaseSource, options?: WatchOptions): Promise<void> {
  await execute(db, unwatchSql('all', cacheTablesOf(options)))
}

/**
 * Returns the watched tables, by name.
 *
 * @throws InvalidOptionError, DatabaseError
 * @example
 * const tables = await watchedTables(db) // [{ table: 'public.products', rows: true, relations: 1 }]
 */
export async function watchedTables(db: DatabaseSource, options?: WatchOptions): Promise<WatchedTable[]> {
  const tables = cacheTablesOf(options)
  const opened = (await openDatabase(db, databaseOver)()) as unknown as QueryDatabase
  return withRetries('always', async () => {
    try {
      return await watchedRows(opened, tables)
    } catch (error) {
      throw databaseFailure(error)
    }
  })
}

function cacheTablesOf(options: WatchOptions | undefined): TableNames {
  const { tables } = optionsObject<WatchOptions>(options, ['tables'])
  return checkedTables(tables)
}

function toArray(tables: Watchables): Watchable[] {
  // Accept a view as well: the database's error says what to do about it.
  const isOne = (one: unknown): one is Watchable => typeof one === 'string' || isPgTable(one) || isView(one)
  if (!isOne(tables) && !(typeof tables === 'object' && tables !== null && Symbol.iterator in tables)) {
    throw new InvalidOptionError(`Expected tables, or names of tables, got ${describeType(tables)}.`)
  }
  const list = isOne(tables) ? [tables] : [...tables]
  // Check the names before any request.
  for (const table of list) relationOf(table)
  return list
}

async function execute(db: DatabaseSource, statement: string): Promise<void> {
  const opened = await openDatabase(db, databaseOver)()
  await withRetries('always', async () => {
    try {
      await opened.execute(sql.raw(statement))
    } catch (error) {
      const failure = databaseFailure(error)
      const refusal = failure instanceof DatabaseError ? REFUSALS[failure.sqlState ?? ''] : undefined
      throw refusal === undefined ? failure : new InvalidOptionError(refusal)
    }
  })
}

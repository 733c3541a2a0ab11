/** `watchTables`: every write of a table, by anyone, invalidates what was made from it, in the writer's own transaction. */
import { sql } from 'drizzle-orm'
import { checkDatabase, type Database, type QueryDatabase } from '../postgres/database.ts'
import { databaseFailure } from '../postgres/failure.ts'
import { withRetries } from '../postgres/retry.ts'
import { checkedTables } from '../schema/checked-tables.ts'
import { type CacheTables, defaultTables } from '../schema/index.ts'
import { DatabaseError, describeType, InvalidOptionError } from '../values/errors.ts'
import { boolean, optionsObject } from '../values/options.ts'
import { isPgTable, isView, relationOf, type Watchable } from './relation.ts'
import { REFUSALS, unwatchSql, watchSql } from './watch-sql.ts'
import { type WatchedTable, watchedRows } from './watched.ts'

export interface WatchOptions {
  /** The cache's tables, from `cacheTables({ schema, prefix })`; default: the exported tables. */
  tables?: CacheTables | undefined
}

export interface WatchTablesOptions extends WatchOptions {
  /**
   * Whether each row is noted under a tag of its own as well, by its primary key; default false. Costs a row in the log
   * for each row written, and two where a key changes; TRUNCATE then reads the table first.
   */
  rows?: boolean | undefined
}

/** What is watched: a Drizzle table or a name, or several. */
export type Watchables = Watchable | Iterable<Watchable>

/**
 * Puts triggers on tables of yours, which note each insert, update, delete and truncate in the writer's transaction.
 *
 * So whoever writes, psql and cascades included, invalidates `tableTag(table)`, and with `rows` each `rowTag(table, id)`,
 * exactly when the write commits. One statement; idempotent; run it where you migrate, also to cover new partitions and
 * to change `rows`. The role needs the right to make triggers on the tables, and functions in the cache's schema; those
 * who write the tables need no right on the cache.
 *
 * @throws InvalidOptionError for what is no table, or one of the cache's own; DatabaseError
 * @example
 * await watchTables(db, [products, prices], { rows: true })
 */
export async function watchTables(db: Database, tables: Watchables, options?: WatchTablesOptions): Promise<void> {
  const given = listed(tables)
  const { rows = false, tables: own = defaultTables } = optionsObject<WatchTablesOptions>(options, ['rows', 'tables'])
  const statement = watchSql(given, boolean('rows', rows), checkedTables(own))
  if (given.length > 0) await execute(db, statement)
}

/** Removes the triggers of tables; what is not watched stays as it is. @throws InvalidOptionError, DatabaseError */
export async function unwatchTables(db: Database, tables: Watchables, options?: WatchOptions): Promise<void> {
  const given = listed(tables)
  const statement = unwatchSql(given, cacheTablesOf(options))
  if (given.length > 0) await execute(db, statement)
}

/** Removes all triggers of a cache, as before its tables are dropped. @throws InvalidOptionError, DatabaseError */
export async function unwatchAllTables(db: Database, options?: WatchOptions): Promise<void> {
  await execute(db, unwatchSql('all', cacheTablesOf(options)))
}

/** The tables that are watched, by name. @throws InvalidOptionError, DatabaseError */
export async function watchedTables(db: Database, options?: WatchOptions): Promise<WatchedTable[]> {
  const tables = cacheTablesOf(options)
  checkDatabase(db)
  return withRetries('always', async () => {
    try {
      return await watchedRows(db as unknown as QueryDatabase, tables)
    } catch (error) {
      throw databaseFailure(error)
    }
  })
}

function cacheTablesOf(options: WatchOptions | undefined): CacheTables {
  const { tables = defaultTables } = optionsObject<WatchOptions>(options, ['tables'])
  return checkedTables(tables)
}

function listed(tables: Watchables): Watchable[] {
  // A view, too: the database says what to do about it.
  const isOne = (one: unknown): one is Watchable => typeof one === 'string' || isPgTable(one) || isView(one)
  if (!isOne(tables) && !(typeof tables === 'object' && tables !== null && Symbol.iterator in tables)) {
    throw new InvalidOptionError(`Expected tables, or names of tables, got ${describeType(tables)}.`)
  }
  const list = isOne(tables) ? [tables] : [...tables]
  // Checked before any request.
  for (const table of list) relationOf(table)
  return list
}

async function execute(db: Database, statement: string): Promise<void> {
  checkDatabase(db)
  await withRetries('always', async () => {
    try {
      await db.execute(sql.raw(statement))
    } catch (error) {
      const failure = databaseFailure(error)
      const refusal = failure instanceof DatabaseError ? REFUSALS[failure.sqlState ?? ''] : undefined
      throw refusal === undefined ? failure : new InvalidOptionError(refusal)
    }
  })
}

import { type Sql, sql } from './sql.ts'

/**
 * SQL: compares a text by its bytes. This order is the same on every server. Ranges of keys and the order of locks
 * depend on it.
 *
 * `migrate` gives the columns this collation, so naming it changes nothing there, and the indexes apply. In tables that
 * only `drizzle-kit push` made, the columns have the database's collation. The answers are still right, but each range
 * reads the whole table.
 */
export function byBytes(text: Sql): Sql {
  return sql`${text} collate "C"`
}

import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

/**
 * SQL: a text in the order of its bytes, which is the same on every server. Ranges of keys and the order of locks depend on it.
 *
 * `migrate` gives the columns this collation, so naming it changes nothing there, and their indexes apply. In tables that
 * only `drizzle-kit push` made, the columns have the collation of the database. There the answers are right as well, but each
 * range reads the whole table.
 */
export function byBytes(text: SQLWrapper): SQL {
  return sql`${text} collate "C"`
}

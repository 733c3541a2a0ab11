import { type SQL, sql } from 'drizzle-orm'

/**
 * Joins the defined conditions by `and`.
 *
 * Drizzle's own `and` sets parentheses differently from version to version. A routine must have the same text with
 * every version. Otherwise two programs that migrate one database would replace each other's routines.
 */
export function allOf(...conditions: readonly (SQL | undefined)[]): SQL | undefined {
  const given = conditions.filter((condition) => condition !== undefined)
  return given.length > 1 ? sql`(${sql.join(given, sql` and `)})` : given[0]
}

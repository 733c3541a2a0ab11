import { join, type Sql, sql } from './sql.ts'

/** Joins the defined conditions by `and`. Without any, the condition is true. */
export function allOf(...conditions: readonly (Sql | undefined)[]): Sql {
  const given = conditions.filter((condition) => condition !== undefined)
  const [only = sql`true`] = given
  return given.length > 1 ? sql`(${join(given, ' and ')})` : only
}

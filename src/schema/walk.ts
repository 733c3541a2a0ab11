import { type Sql, sql } from './sql.ts'

/**
 * SQL: true from `first` up to, but not including, `end`. For a query that reads the first rows of the range in the
 * column's order.
 *
 * Such a query should walk along the index and stop. But if the planner expects few rows, it reads and sorts the whole
 * range, again for each page and each batch. It expects few rows of a namespace that is younger than the statistics,
 * and one in 200 of a range whose bounds it does not know. So this hides the bounds in subqueries, and writes one of them
 * as a comparison of rows, so that the planner does not notice that it is a range. It then expects one row in nine.
 */
export function walk(column: Sql, first: Sql, end: Sql): Sql {
  return sql`(${column} >= (select ${first}) and ${isBefore(column, sql`(select ${end})`)})`
}

/**
 * {@link walk} up to and including `last`. For columns that are not unique: the index reads all rows that are equal to the
 * upper bound, even if the comparison leaves them out.
 */
export function walkThrough(column: Sql, first: Sql, last: Sql): Sql {
  return sql`(${column} >= (select ${first}) and (${column}, 0) <= ((select ${last}), 0))`
}

/**
 * SQL: a condition that a walk checks on its way. The planner expects nearly all rows to meet it. Otherwise it would
 * expect fewer rows than the limit, and sort.
 */
export function mostly(condition: Sql): Sql {
  return sql`(${condition})::int <> 0`
}

/**
 * SQL: one row, for which the planner expects a thousand. With it in the `from` list, the planner expects more rows than
 * the limit of a walk, so it does not sort.
 */
export const ONE_ROW: Sql = sql`generate_series(1, (select 1))`

/** SQL: true for a column below a bound. The planner does not notice that this and a lower bound make a range. */
export function isBefore(column: Sql, end: Sql): Sql {
  return sql`(${column}, 0) < (${end}, 0)`
}

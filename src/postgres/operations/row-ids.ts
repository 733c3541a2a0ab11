/**
 * Finds rows again by their place in the table. This costs a tenth of a look-up by a random key.
 *
 * A locked row keeps its place until the transaction ends. Only an update or delete by another transaction could give
 * it a new place, and `vacuum full` waits for this statement. `for update` follows a row that was updated since the
 * snapshot, and returns the place of the newest version. A later step of the same statement does not see that version,
 * so it leaves the row. The next statement sees it.
 *
 * In a partitioned table, two rows of different partitions can have the same place. So a statement takes only the rows
 * of the first row's partition, and leaves the others to the next statement.
 */
import { join, quoteName, type Sql, sql } from '../../schema/sql.ts'

/**
 * True for rows at these places that meet a condition.
 *
 * `is true` hides the condition from the indexes. The statistics do not know about rows written since the last
 * `analyze`. If many of those meet the condition, the planner would walk an index and compare each row with each place:
 * 45,000 rows took 25 s.
 *
 * @param places a query of one column. It goes through an array, for which the planner expects ten rows.
 * @param condition the condition of that query again, because a place can belong to several rows of a partitioned table
 */
export function isAtPlaces(table: Sql, places: Sql, condition: Sql): Sql {
  return sql`${table}.ctid = any (array(${places})) and (${condition}) is true`
}

/** Returns the columns that a CTE needs so that {@link isOneOf} finds its rows again: the place of each row. */
export function place(table: Sql): Sql {
  return sql`${table}.tableoid as leaf, ${table}.ctid as id`
}

/** True for the rows of these CTEs. The planner expects ten rows, so Postgres does not JIT-compile the statement. */
export function isOneOf(table: Sql, ...ctes: string[]): Sql {
  const leaf = sql`(${join(ctes.map(firstLeaf), ' union all ')} limit 1)`
  const ids = ctes.map((cte) => sql`select id from ${quoteName(cte)} where leaf = ${leaf}`)
  return sql`${table}.ctid = any (array(${join(ids, ' union all ')})) and ${table}.tableoid = ${leaf}`
}

const firstLeaf = (cte: string): Sql => sql`select leaf from ${quoteName(cte)}`

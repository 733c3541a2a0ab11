/** Walks along a bounded number of keys, for statements that look at many entries to find a few or to count them. */
import { byBytes } from '../../schema/byte-order.ts'
import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { ONE_ROW } from '../../schema/walk.ts'
import { isAfter } from './fragments.ts'

/**
 * The most entries that one page looks at. The page is shorter than its limit if fewer of them match.
 *
 * This takes some tens of milliseconds, for any size of the table and however rare the matches are. With more entries,
 * a page would wait longer on a slow disk. With fewer, rare matches would take more pages.
 */
export const MAX_LOOKED_AT = 5_000

/**
 * Selects the first keys that meet a condition, as an array in key order. It reads only the index.
 *
 * @param condition a range of keys, made with `walk`
 */
export function firstKeys({ entries }: TableNames, condition: Sql, limit: Sql | number): Sql {
  return sql`array(
    select ${entries.key} from ${entries}, ${ONE_ROW} where ${condition}
    order by ${byBytes(entries.key)} limit ${limit})`
}

/**
 * Selects the entries of an array of keys in the array's order. The rows come from the table and from
 * `looked(name, place)`.
 *
 * The planner expects ten rows from an array. So Postgres looks each entry up by its key, stops when the statement has
 * enough, and does not JIT-compile the statement.
 *
 * Rejected: a subquery with a limit. The check of the tags makes its estimate so large that Postgres would compile it.
 *
 * Rejected: a search by `ctid`. The planner may turn it into a comparison of each row with the whole array.
 */
export function entriesOf({ entries }: TableNames, keys: Sql): Sql {
  return sql`unnest(${keys}) with ordinality as looked(name, place) join ${entries} on ${entries.key} = looked.name collate "C"`
}

/** The clauses of a page, and the marks of its rows. */
export interface Page {
  readonly from: Sql
  readonly where: Sql
  readonly orderBy: Sql
  readonly marks: {
    readonly isFound: Sql
    /**
     * True for the last entry that the page may look at. It is always returned, because the next page begins after it.
     */
    readonly isEdge: Sql
  }
}

/**
 * Selects the next entries of a range in key order, after the key `after`. With a condition, it looks at a bounded
 * number of entries.
 */
export function pageOf(tables: TableNames, condition: Sql | undefined): Page {
  const { entries } = tables
  if (condition === undefined) {
    const marks = { isFound: sql`true`, isEdge: sql`false` }
    return { from: entries, where: isAfter(tables), orderBy: byBytes(entries.key), marks }
  }
  const isEdge = sql`looked.place = ${MAX_LOOKED_AT}`
  return {
    from: entriesOf(tables, firstKeys(tables, isAfter(tables), MAX_LOOKED_AT)),
    where: sql`(${isEdge} or ${condition})`,
    orderBy: sql`looked.place`,
    // Only the edge needs the second check.
    marks: { isFound: sql`case when ${isEdge} then ${condition} else true end`, isEdge },
  }
}

/**
 * Returns the entries of a page. If the page ended at its edge, also returns the key after which the next page begins.
 */
export function readPage<Row extends { readonly key: string; readonly isFound: boolean; readonly isEdge: boolean }>(
  rows: readonly Row[],
): { readonly found: Row[]; readonly next: string | undefined } {
  return { found: rows.filter(({ isFound }) => isFound), next: rows.find(({ isEdge }) => isEdge)?.key }
}

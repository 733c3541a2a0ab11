/** A bounded walk along the keys, for statements that look at many entries to find few or to count them. */
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { byBytes } from '../../schema/byte-order.ts'
import type { CacheTables } from '../../schema/index.ts'
import { isAfter } from './fragments.ts'

/**
 * Entries that one page looks at, at most. The page is short if fewer of them match.
 *
 * The look takes some tens of milliseconds, however large the table and however rare the matches. With more, a page would
 * wait longer on a slow disk; with fewer, rare matches would take more pages.
 */
export const MAX_LOOKED_AT = 5_000

/** The first keys of a range after the key `after`, as an array in key order. It reads the index only. */
export function nextKeys(tables: CacheTables, limit: SQL): SQL {
  const { entries } = tables
  return sql`array(
    select ${entries.key} from ${entries} where ${isAfter(tables)}
    order by ${byBytes(entries.key)} limit ${limit})`
}

/**
 * The entries of an array of keys in its order, as rows of the table and of `looked(name, place)`.
 *
 * The planner expects ten rows from an array. So it looks each entry up by its key, stops when the statement has enough, and
 * does not compile the statement. Rejected: a subquery with a limit, because the check of the tags makes its estimate so large
 * that it would be compiled; and a search by `ctid`, which the planner may turn into a comparison of each row with the
 * whole array.
 */
export function entriesOf({ entries }: CacheTables, keys: SQL): SQL {
  return sql`unnest(${keys}) with ordinality as looked(name, place) join ${entries} on ${entries.key} = looked.name collate "C"`
}

/**
 * The columns as expressions. If `from` is an expression, Drizzle 0.45 writes columns without their table, and 1.0 with it. A
 * routine must have the same text with either.
 */
export function withTableNames({ key, expiresAt, tags, createdAt, updatedAt, meta }: CacheTables['entries']) {
  const own = (column: SQLWrapper) => sql`${column}`
  return {
    ...{ key: own(key), expiresAt: own(expiresAt), tags: own(tags), meta: own(meta) },
    ...{ createdAt: own(createdAt), updatedAt: own(updatedAt) },
  }
}

/** The clauses of a page, and the marks of its rows. */
export interface Page {
  readonly from: SQL
  readonly where: SQL
  readonly orderBy: SQL
  readonly marks: {
    readonly isFound: SQL
    /** True for the last entry that the page may look at. It is returned in any case, because the next page begins behind it. */
    readonly isEdge: SQL
  }
}

/** The next entries of a range in key order, after the key `after`. With a condition it looks at a bounded number of them. */
export function pageOf(tables: CacheTables, condition: SQL | undefined): Page {
  const { entries } = tables
  if (condition === undefined) {
    const marks = { isFound: sql`true`, isEdge: sql`false` }
    return { from: sql`${entries}`, where: isAfter(tables), orderBy: byBytes(entries.key), marks }
  }
  const isEdge = sql.raw(`looked.place = ${MAX_LOOKED_AT}`)
  return {
    from: entriesOf(tables, nextKeys(tables, sql.raw(String(MAX_LOOKED_AT)))),
    where: sql`(${isEdge} or ${condition})`,
    orderBy: sql`looked.place`,
    // Only the edge is checked a second time.
    marks: { isFound: sql`case when ${isEdge} then ${condition} else true end`, isEdge },
  }
}

/** The entries of a page, and the key after which the next one begins if this one ended at its edge. */
export function readPage<Row extends { readonly key: string; readonly isFound: boolean; readonly isEdge: boolean }>(
  rows: readonly Row[],
): { readonly found: Row[]; readonly next: string | undefined } {
  return { found: rows.filter(({ isFound }) => isFound), next: rows.find(({ isEdge }) => isEdge)?.key }
}

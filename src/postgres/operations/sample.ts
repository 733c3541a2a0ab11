/** Draws a sample of a large table. */
import { type Sql, sql } from '../../schema/sql.ts'
import { oidOf, type TableNames } from '../../schema/table-names.ts'

/** A table of up to this many pages, 32 MB, is read as a whole. */
const WHOLE_PAGES = 4_000
/** Takes some tens of milliseconds to read: 10 MB. The figures then deviate by 2 or 3 %. */
const SAMPLED_BYTES = 10 * 1024 ** 2
/** The space that a row takes at least: its header, the key, two times, the writer, and the pointer to it. */
const MIN_ROW_BYTES = 76
/** A sample has fewer rows. */
const MAX_SAMPLED_ROWS = Math.ceil((SAMPLED_BYTES / MIN_ROW_BYTES) * 1.2)

/** Returns the share of the table's pages in the sample. 1 means all. */
export function sampledShare({ entries }: TableNames): Sql {
  const oid = oidOf(entries)
  // A partitioned table has no pages of its own.
  const bytes = sql`coalesce(nullif(pg_relation_size(${oid}), 0), (select sum(pg_relation_size(relid)) from pg_partition_tree(${oid})), 0)`
  return sql`(
    select case when size.bytes > ${WHOLE_PAGES} * current_setting('block_size')::int then ${SAMPLED_BYTES} / size.bytes else 1 end
    from (select ${bytes}::float8 as bytes) as size)`
}

/**
 * Builds a query of one column over the rows of the sample that meet a condition. It draws whole pages, because drawing
 * single rows would read all pages.
 *
 * The planner expects a tenth of the table from a sample whose share is not a constant. The limit bounds the estimate
 * to less than `jit_above_cost` in tables with seven or more rows in each page. A small table is read by a part of the
 * query without that limit.
 *
 * Rejected: a sample by ranges of `ctid`, of which the planner expects few rows. Postgres would read its pages into the
 * shared buffers, where they replace pages that other statements need. `tablesample` uses a small ring of buffers.
 *
 * @param isNeeded a condition without rows of a table. If it is false, no page is read.
 */
export function sampled(tables: TableNames, column: Sql, condition: Sql, isNeeded: Sql): Sql {
  const { entries } = tables
  const share = sampledShare(tables)
  const row = sql`select ${column} as item, (${condition}) as fits from ${entries}`
  return sql`
    select drawn.item
    from (
      (${row} tablesample system (100 * ${share}) where ${isNeeded} and ${share} < 1 limit ${MAX_SAMPLED_ROWS})
      union all
      (${row} where ${entries}.ctid < '(${WHOLE_PAGES},0)' and ${isNeeded} and ${share} = 1)
    ) as drawn
    where drawn.fits`
}

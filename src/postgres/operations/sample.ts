/** Draws a sample of a large table. */
import { type Sql, sql } from '../../schema/sql.ts'
import { oidOf, type TableNames } from '../../schema/table-names.ts'
import { ONE_ROW } from '../../schema/walk.ts'

/** A table of up to this many pages, 32 MB, is read as a whole. */
const WHOLE_PAGES = 4_000
/** 12 MB, which takes some tens of milliseconds to read. The figures then deviate by 2 or 3 %. */
const SAMPLED_BYTES = 12 * 1024 ** 2
/** The space that a row takes at least: its header, a key of one byte, two times, the slot, and the pointer to it. */
const MIN_ROW_BYTES = 60
/** A sample has fewer rows, even if it happens to have a tenth more pages than on average. */
const MAX_SAMPLED_ROWS = Math.ceil((SAMPLED_BYTES / MIN_ROW_BYTES) * 1.1)

/** Returns the share of the table's pages in the sample. 1 means all. */
export function sampledShare({ entries }: TableNames): Sql {
  const oid = oidOf(entries)
  // A partitioned table has no pages of its own.
  const bytes = sql`coalesce(nullif(pg_relation_size(${oid}), 0), (select sum(pg_relation_size(relid)) from pg_partition_tree(${oid})), 0)`
  return sql`(
    select case when size.bytes > ${WHOLE_PAGES} * current_setting('block_size')::int then least(1, ${SAMPLED_BYTES} / size.bytes) else 1 end
    from (select ${bytes}::float8 as bytes) as size)`
}

/**
 * Builds a query of one column over the rows of the sample that meet a condition. It draws whole pages, because drawing
 * single rows would read all pages.
 *
 * The planner expects a tenth of the table from a sample whose share is not a constant, and in large tables that crosses
 * `jit_above_cost`. So the query has a limit that no sample reaches. The planner must also believe that few pages hold
 * that many rows, even if rows are large or most of the table is empty. So the sample is joined with one row, for
 * which the planner expects a thousand. A small table is read by a part of the query without a limit.
 *
 * Rejected: ranges of `ctid`. The planner estimates them well, but Postgres reads their pages into the shared buffers,
 * where they replace pages that other statements need. `tablesample` uses a small ring of buffers.
 *
 * @param isNeeded a condition that reads no column. If it is false, no page is read.
 */
export function selectSample(tables: TableNames, column: Sql, condition: Sql, isNeeded: Sql): Sql {
  const { entries } = tables
  const share = sampledShare(tables)
  const row = sql`select ${column} as item, (${condition}) as fits from ${entries}`
  return sql`
    select drawn.item
    from (
      (${row} tablesample system (100 * ${share}), ${ONE_ROW} where ${isNeeded} and ${share} < 1 limit ${MAX_SAMPLED_ROWS})
      union all
      (${row} where ${entries}.ctid < '(${WHOLE_PAGES},0)' and ${isNeeded} and ${share} = 1)
    ) as drawn
    where drawn.fits`
}

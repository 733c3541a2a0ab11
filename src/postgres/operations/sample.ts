/** Draws a sample of a large table. */
import { type Sql, sql } from '../../schema/sql.ts'
import { oidOf, type TableNames } from '../../schema/table-names.ts'

/** A table of up to this size, 32 MB, is read as a whole. */
const WHOLE_PAGES = 4_000
/** 16 MB, which takes some tens of milliseconds to read. The figures then deviate by 2 %. */
const SAMPLED_PAGES = 2_000
/** No page has more rows: with pages of 32 KB, Postgres stores at most 1,169. */
const PAGE_ROWS = 2_000

/** The size of the table in pages, and the number of pages in the sample. In a partitioned table, of each partition. */
function sizes({ entries }: TableNames): Sql {
  const oid = oidOf(entries)
  const bytes = sql`greatest(pg_relation_size(${oid}), (select max(pg_relation_size(relid)) from pg_partition_tree(${oid})))`
  return sql`(
    select size.pages, case when size.pages > ${WHOLE_PAGES} then ${SAMPLED_PAGES} else size.pages end as drawn
    from (select coalesce(${bytes}, 0) / current_setting('block_size')::int as pages) as size) as size`
}

/** Returns the share of the table's pages in the sample. 1 means all. */
export function sampledShare(tables: TableNames): Sql {
  return sql`(select coalesce(size.drawn::float8 / nullif(size.pages, 0), 1) from ${sizes(tables)})`
}

/**
 * Builds a query of one column over the rows of the sample that meet a condition. The sample has one random page of
 * each part of the table, because drawing single rows would read all pages.
 *
 * The planner expects ten pages, and at most {@link PAGE_ROWS} rows of each, however large the table is.
 *
 * Rejected: `tablesample`. If its share is no constant, the planner expects a tenth of the table. JIT compiled each
 * such statement for a table above 2 GB, which took longer than the statement.
 *
 * Rejected: a join of the pages with the table. The planner would read the whole table for each page.
 *
 * @param condition applies after the limit. Otherwise the planner might use an index for each page.
 * @param isNeeded without rows of a table. If it is false, no page is read.
 */
export function sampled(tables: TableNames, column: Sql, condition: Sql, isNeeded: Sql): Sql {
  const { entries } = tables
  const start = (number: Sql) => sql`('(' || ${number} || ',0)')::tid`
  return sql`
    select unnest(array(
      select drawn.item
      from (
        select ${column} as item, (${condition}) as fits from ${entries}
        where ${entries}.ctid >= ${start(sql`page.number`)} and ${entries}.ctid < ${start(sql`page.number + 1`)}
        limit ${PAGE_ROWS}
      ) as drawn
      where drawn.fits))
    from unnest(array(
      select floor((part.number + random()) * size.pages / size.drawn)::bigint
      from ${sizes(tables)}, generate_series(0, size.drawn - 1) as part(number)
      where ${isNeeded})) as page(number)`
}

/** Draws a sample of a large table. */
import { raw, type Sql, sql } from '../../schema/sql.ts'
import { literal } from '../../schema/sql-text.ts'
import type { TableNames } from '../../schema/table-names.ts'

/** A table of up to this size, 32 MB, is read as a whole. */
const WHOLE_PAGES = 4_000
/** 16 MB, which takes some tens of milliseconds to read. The figures then deviate by 2 %. */
const SAMPLED_PAGES = 2_000

/** Returns the share of the table's pages in the sample. 1 means all. */
export function sampledShare({ entries }: TableNames): Sql {
  const name = raw(`${literal(entries.text)}::text`)
  const pages = sql`pg_relation_size(to_regclass(${name})) / current_setting('block_size')::float8`
  return sql`(select case when size.pages > ${WHOLE_PAGES} then ${SAMPLED_PAGES} / size.pages else 1 end
    from (select coalesce(${pages}, 0) as pages) as size)`
}

/**
 * Returns the clause to put after the table's name. It draws whole pages, because drawing single rows would read all
 * pages.
 */
export function sample(tables: TableNames): Sql {
  return sql`tablesample system (100 * ${sampledShare(tables)})`
}

/** A sample of a large table. */
import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { qualified } from '../../schema/sql-text.ts'

/** 32 MB, which take some tens of milliseconds to read. A table that is no larger is read as a whole. */
const SAMPLED_PAGES = 4_000

/** The share of the table's pages in the sample. 1 means all. */
export function sampledShare(tables: CacheTables): SQL {
  const name = sql`${qualified(tables, tables.entries)}::text`
  const pages = sql`pg_relation_size(to_regclass(${name})) / current_setting('block_size')::float8`
  return sql`coalesce(least(1, ${sql.raw(String(SAMPLED_PAGES))} / nullif(${pages}, 0)), 1)`
}

/** Follows the table's name. Draws whole pages, because drawing single rows would read all of them. */
export function sample(tables: CacheTables): SQL {
  return sql`tablesample system (100 * ${sampledShare(tables)})`
}

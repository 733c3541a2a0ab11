/** A part of a large table that stands for all of it. */
import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { qualified } from '../../schema/sql-text.ts'

/** 32 MB: read in some tens of milliseconds. A table that is no larger is looked at as a whole. */
const SAMPLED_PAGES = 4_000

/** The share of the table's pages that is looked at, 1 for all. */
export function sampledShare(tables: CacheTables): SQL {
  const name = sql`${qualified(tables, tables.entries)}::text`
  const pages = sql`pg_relation_size(to_regclass(${name})) / current_setting('block_size')::float8`
  return sql`coalesce(least(1, ${sql.raw(String(SAMPLED_PAGES))} / nullif(${pages}, 0)), 1)`
}

/** To be put behind the table. Whole pages, because to draw single rows all would have to be read. */
export function sample(tables: CacheTables): SQL {
  return sql`tablesample system (100 * ${sampledShare(tables)})`
}

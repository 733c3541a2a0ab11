import { sql } from 'drizzle-orm'
import { isTrusted } from '../migrate/trust-sql.ts'
import type { QueryDatabase } from '../postgres/database.ts'
import { regclass, type TableNames } from '../schema/table-names.ts'
import { home, isWatchFunction } from './watch-sql.ts'

/** A table that `watchTables` watches. */
export interface WatchedTable {
  /** The name with its schema, quoted as in SQL if necessary. */
  readonly table: string
  /** True if each write also invalidates the tags of its rows. */
  readonly rows: boolean
  /** The number of tables that have the triggers: the table, and the partitions that existed when it was watched. */
  readonly relations: number
}

/**
 * Reads from the catalogue which tables are watched. Their functions' comments hold their names.
 *
 * Ignores functions that neither this role nor the log's owner can have created, because their comments prove nothing.
 */
export async function watchedRows(db: QueryDatabase, tables: TableNames): Promise<WatchedTable[]> {
  const noted = sql`(
    select obj_description(p.oid, 'pg_proc')::jsonb as note, (
        select count(distinct t.tgrelid) from pg_trigger as t where t.tgfoid = p.oid) as relations
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = ${sql.raw(home(tables))} and ${sql.raw(isWatchFunction(tables, 'p'))}
      and (p.proowner = (select c.relowner from pg_class as c where c.oid = ${sql.raw(regclass(tables.invalidations))})
        or ${sql.raw(isTrusted('p.proowner'))})
  ) as watched`
  return db
    .select({
      table: sql<string>`note ->> 'table'`,
      // Select as text, because a program may have replaced the parsers of other types.
      rows: sql<boolean>`note ->> 'rows'`.mapWith((rows) => rows === 'true'),
      relations: sql<number>`relations::text`.mapWith(Number),
    })
    .from(noted)
    .orderBy(sql`1`)
    .$withCache(false)
}

/** How the cache's tables are told from others of the same name: by their columns, types and key. */
import { getTableName } from 'drizzle-orm'
import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'
import type { CacheTables } from '../schema.ts'
import { migrations } from './migrations.ts'
import { literal } from './sql-text.ts'

/** The columns that each table was created with. An older version lacks only what a later migration adds. */
const FIRST_COLUMNS: ReadonlyMap<string, readonly string[]> = new Map(
  migrations.flatMap(({ statements }) =>
    statements.flatMap((statement) => {
      const table = /^CREATE TABLE "(\w+)"/.exec(statement)?.[1]
      const columns = [...statement.matchAll(/^\t"(\w+)" /gm)].map(([, name = '']) => name)
      return table === undefined ? [] : [[table, columns] as const]
    }),
  ),
)

/**
 * SQL: whether the relation `oid` can be this table of a cache, of this version or an older one.
 *
 * A table without a primary key passes: then it was dropped by hand, and `doctor` says which index is missing. Columns
 * beyond the known ones may be of a newer version.
 */
export function isCacheTable({ prefix }: CacheTables, table: PgTable, oid: string): string {
  const { columns, primaryKeys } = getTableConfig(table)
  const first = FIRST_COLUMNS.get(getTableName(table).slice(prefix.length)) ?? []
  const wanted = columns.map((column) => {
    const type = column.getSQLType().replace(/ collate .*/, '')
    return `(${literal(column.name)}, ${literal(type)}, ${first.includes(column.name)})`
  })
  const key = (primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary)).map(({ name }) => literal(name))
  return `coalesce((
  select c.relkind in ('r', 'p') and c.relpersistence <> 't' and not exists (
      select from (values ${wanted.join(', ')}) as wanted(name, type, is_required)
      left join pg_catalog.pg_attribute as a
        on a.attrelid = c.oid and a.attname = wanted.name and a.attnum > 0 and not a.attisdropped
      where case when a.attname is null then wanted.is_required
        else a.atttypid is distinct from pg_catalog.to_regtype(wanted.type) end
    ) and not exists (
      select from pg_catalog.pg_index as i where i.indrelid = c.oid and i.indisprimary and array[${key.join(', ')}] is distinct from (
        select array_agg(a.attname::text order by k.position)
        from unnest(i.indkey) with ordinality as k(number, position)
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.number)
    )
  from pg_catalog.pg_class as c where c.oid = ${oid}), false)`
}

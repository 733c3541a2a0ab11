/**
 * Finds the schema of the tables. If the options name no schema, only the database knows it.
 *
 * A statement is a template for one `format`: `%1$I` is the schema, and each other `%` is doubled. `format` does not
 * search the inserted values and names again.
 */
import { ownTables } from '../schema/own-tables.ts'
import { dollarQuoted, escapeFormat, identifier, literal } from '../schema/sql-text.ts'
import { type NamedTable, regclass, type TableNames } from '../schema/table-names.ts'

/**
 * Waits for other sessions that migrate or watch these tables at the same time. Use it at the beginning of a guarded
 * block.
 *
 * This session may have cached that a schema does not exist, although another session created it while this one waited.
 * Locking a table makes the session drop that cached answer, and reading a table locks it.
 */
export function lockSteps(tables: TableNames): string {
  const name = literal(`pgstash ${tables.state.text}`)
  return `-- Those who migrate at the same time wait here, and then find the work done.
perform pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(${name}, 0));
perform from pg_catalog.pg_namespace limit 1;
`
}

export function homeDeclarations(tables: TableNames): string {
  const fallback = tables.schema === undefined ? 'pg_catalog.current_schema()' : literal(tables.schema)
  return `-- What the cache would meet under its tables' names.
found pg_catalog.oid[];
home pg_catalog.text := ${fallback};`
}

/** Use it at the beginning of a guarded block, after the lock. The caller's search path still applies there. */
export function findTables(tables: TableNames): string {
  const found = ownTables(tables).map((table) => regclass(table))
  return `found := array[${found.join(', ')}]::pg_catalog.oid[];
`
}

/** Finds the schema of the existing tables, or the schema for new tables if none exist. */
export function findHome(tables: TableNames): string {
  if (tables.schema !== undefined) return '-- The schema was given.'
  return `-- Tables that were made before stay where they are: the table of migrations tells, or the first that there is.
home := coalesce((
  select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.oid = any (found) order by c.oid <> found[${ownTables(tables).indexOf(tables.state) + 1}], array_position(found, c.oid) limit 1
), home);
if home is null then
  raise exception 'the search path names no schema that exists' using errcode = '3F000';
end if;`
}

/** Names a table in a template. */
export function homeTable(table: NamedTable): string {
  return `%1$I.${escapeFormat(identifier(table.tableName))}`
}

/** Runs a template. */
export function run(template: string, into = ''): string {
  return `execute format(${dollarQuoted(template)}, home)${into && ` ${into}`};`
}

/**
 * Runs a template as a separate block. It quotes the formatted text, because a name may contain any quote chosen
 * before.
 */
export function runBlock(template: string): string {
  return `execute 'do ' || quote_literal(format(${dollarQuoted(template)}, home));`
}

/** SQL: the table's oid, for use outside of templates. Null if the table is missing. */
export function homeOid(table: NamedTable): string {
  return `to_regclass(format(${literal(homeTable(table))}, home))`
}

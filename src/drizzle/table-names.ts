/** Tables by name, as Drizzle's caches are told of them and as tags name them. */
import { Column, is, SQL, Subquery, Table } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { isView, relationOf, type Taggable, viewOf } from './relation.ts'
import { relationalNames, relationalTables } from './relational.ts'

/** `users`, or `other.users` in a schema of its own: as Drizzle puts it. */
export function drizzleName(table: Taggable): string {
  const { schema, name } = relationOf(table)
  // Drizzle knows no schema `public`; a name with a dot would be taken for another's.
  if (typeof table === 'string') return schema === 'public' && !name.includes('.') ? name : table
  return schema === undefined ? name : `${schema}.${name}`
}

/**
 * The tables and views that a query reads, wherever they stand in it: joins, subqueries, CTEs, conditions.
 *
 * A view counts under its own name and as the tables in its definition. A materialized view changes when it is refreshed,
 * so only its own name is exact. Its tables count as well, because a refresh often follows their writes. The list lacks
 * tables that raw SQL names in its text, and tables behind a view that is only named (`existing()`).
 */
export function tablesIn(query: unknown): readonly string[] {
  const tables = new Set<string>()
  const waiting = [query]
  const seen = new Set<unknown>()
  while (waiting.length > 0) {
    const part = waiting.pop()
    if (typeof part !== 'object' || part === null || seen.has(part)) continue
    seen.add(part)
    if (is(part, Table)) tables.add(drizzleName(part))
    else if (is(part, Column)) waiting.push(part.table)
    else if (isView(part)) {
      tables.add(drizzleName(part))
      waiting.push(viewOf(part).query)
    } else if (is(part, Subquery)) {
      waiting.push(part._.sql)
      for (const name of part._.usedTables ?? []) tables.add(name)
    } else if (is(part, SQL)) waiting.push(...part.queryChunks)
    else if (Array.isArray(part)) waiting.push(...part)
    else if ('getSQL' in part && typeof part.getSQL === 'function') {
      waiting.push(part.getSQL(), relationalTables(part), sourcesOf(part))
      for (const name of relationalNames(part)) tables.add(name)
    }
  }
  return [...tables]
}

/** What a select is made from: in its SQL a joined table or an alias is a name, unless one of its columns is asked for. */
function sourcesOf(query: object): unknown[] {
  const { table, joins, setOperators } = Object(Reflect.get(query, 'config'))
  const inside = (items: unknown, name: string) =>
    Array.isArray(items) ? items.map((item) => Reflect.get(Object(item), name)) : []
  return [table, ...inside(joins, 'table'), ...inside(setOperators, 'rightSelect')]
}

/**
 * What a write of each table also writes, by its foreign keys: cascades, and columns set to null or their default, to
 * every depth.
 *
 * @param schema tables, and whatever else a Drizzle schema module exports
 */
export function cascades(schema: Readonly<Record<string, unknown>>): (tables: readonly string[]) => readonly string[] {
  const referencing = new Map<string, string[]>()
  for (const table of Object.values(schema)) {
    if (!is(table, PgTable)) continue
    for (const key of getTableConfig(table).foreignKeys) {
      const passive = [undefined, 'no action', 'restrict']
      if (passive.includes(key.onDelete) && passive.includes(key.onUpdate)) continue
      const target = drizzleName(key.reference().foreignTable)
      referencing.set(target, [...(referencing.get(target) ?? []), drizzleName(table)])
    }
  }
  return (tables) => {
    const reached = new Set(tables)
    // A set grows under its own iteration, so each table that is reached is followed in turn.
    for (const table of reached) for (const next of referencing.get(table) ?? []) reached.add(next)
    return [...reached]
  }
}

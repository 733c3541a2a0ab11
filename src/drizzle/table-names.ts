/** Names of tables, as Drizzle passes them to caches and as tags use them. */
import { Column, is, SQL, Subquery, Table } from 'drizzle-orm'
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core'
import { isView, relationOf, type Taggable, viewOf } from './relation.ts'
import { relationalNames, relationalTables } from './relational.ts'

/** Returns Drizzle's name of a table: `users`, or `other.users` in another schema. */
export function drizzleName(table: Taggable): string {
  const { schema, name } = relationOf(table)
  // Drizzle omits the schema `public`. Keep it for a name with a dot, which would otherwise look like another schema's.
  if (typeof table === 'string') return schema === 'public' && !name.includes('.') ? name : table
  return schema === undefined ? name : `${schema}.${name}`
}

/**
 * Returns the tables and views that a query reads anywhere: in joins, subqueries, CTEs and conditions.
 *
 * A view counts under its own name, and its definition's tables count too. A materialized view changes only when it is
 * refreshed, so its own name alone is exact. Its tables count as well, because a refresh often follows their writes.
 * The list omits tables that raw SQL names in its text, and tables behind a view declared with `existing()`.
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

/**
 * Returns the sources of a select. The select's SQL contains a joined table or an alias as an object only if it selects
 * a column of it.
 */
function sourcesOf(query: object): unknown[] {
  const { table, joins, setOperators } = Object(Reflect.get(query, 'config'))
  const inside = (items: unknown, name: string) =>
    Array.isArray(items) ? items.map((item) => Reflect.get(Object(item), name)) : []
  return [table, ...inside(joins, 'table'), ...inside(setOperators, 'rightSelect')]
}

/**
 * Returns a function that adds the tables that a write also changes through foreign keys, to any depth. Foreign keys
 * change them by cascades, or by setting columns to null or their default.
 *
 * @param schema the exports of a Drizzle schema module; only tables matter
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
    // Iterating over a set includes elements that are added meanwhile, so each reached table is followed in turn.
    for (const table of reached) for (const next of referencing.get(table) ?? []) reached.add(next)
    return [...reached]
  }
}

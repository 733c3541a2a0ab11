/** The tables of a relational query (`db.query.users.findMany`), whose SQL names them as text only. */
import { is, Table } from 'drizzle-orm'

/** The parts of a relational query that this file reads. */
interface Relational {
  readonly fullSchema: Readonly<Record<string, unknown>>
  readonly schema: Readonly<Record<string, Related>>
  readonly table: Table
  readonly tableConfig: Related
  readonly config: Wanted
}

interface Related {
  readonly tsName: string
  readonly relations: Readonly<Record<string, { readonly referencedTable: Table } | undefined>>
}

interface Wanted {
  readonly with?: Readonly<Record<string, unknown>>
}

/**
 * Returns the query's table and its relations' tables (Drizzle 0.45), or all tables of the schema if one is unknown.
 */
export function relationalTables(query: object): readonly Table[] {
  if (!('fullSchema' in query && 'tableConfig' in query && 'config' in query)) return []
  const relational = query as Relational
  const { fullSchema, schema, table, tableConfig, config } = relational
  const everything = Object.values(fullSchema).filter((each) => is(each, Table))
  const tables = [table]
  const waiting: [Related, Wanted][] = [[tableConfig, Object(config) as Wanted]]
  for (const [related, wanted] of waiting) {
    for (const [name, nested] of Object.entries(wanted.with ?? {})) {
      if (!nested) continue
      const target = related.relations[name]?.referencedTable
      const key = Object.keys(fullSchema).find((each) => fullSchema[each] === target)
      const next = key === undefined ? undefined : schema[key]
      if (target === undefined || next === undefined) return everything
      tables.push(target)
      waiting.push([next, Object(nested) as Wanted])
    }
  }
  return tables
}

/** A relational query of Drizzle 1.0, which reports the names of its tables while it builds its SQL. */
interface RelationalOne {
  _getQuery(usedTables: Set<string>): unknown
}

/** Returns the same for Drizzle 1.0: the names that its caches get. */
export function relationalNames(query: object): readonly string[] {
  if (!('tableConfig' in query && '_getQuery' in query && typeof query._getQuery === 'function')) return []
  const names = new Set<string>()
  ;(query as RelationalOne)._getQuery(names)
  return [...names]
}

/** Distinguishes the cache's tables from other tables of the same name, by columns, types and key. */
import { literal } from '../schema/sql-text.ts'
import type { NamedTable, TableNames } from '../schema/table-names.ts'
import { migrations } from './migrations.ts'

interface Shape {
  /**
   * SQL: rows of a name, a type, and whether the first version had the column. Tables of older versions lack later
   * columns.
   */
  readonly columns: string[]
  readonly key: string[]
}

const TYPE = `"?([\\w ]+?)"?(\\[\\])?(?: collate "C")?(?: PRIMARY KEY| NOT NULL| DEFAULT| GENERATED|[,;]|$)`
const CREATED = new RegExp(`^\\t"(\\w+)" ${TYPE}`, 'gm')
const ADDED = new RegExp(`^ALTER TABLE "(\\w+)" ADD COLUMN "(\\w+)" ${TYPE}`)

/**
 * Shapes by default name. They come from the migrations, because Drizzle 0.45 and 1.0 name the types of columns
 * differently.
 */
const SHAPES: ReadonlyMap<string, Shape> = shapesOf(migrations.flatMap(({ statements }) => statements))

function shapesOf(statements: readonly string[]): Map<string, Shape> {
  const shapes = new Map<string, Shape>()
  for (const statement of statements) {
    const table = /^CREATE TABLE "(\w+)"/.exec(statement)?.[1]
    const [, changed = '', name = '', type = '', list = ''] = ADDED.exec(statement) ?? []
    if (table !== undefined) {
      const columns = [...statement.matchAll(CREATED)].map(([, name = '', type = '', list = '']) =>
        column(name, type + list, true),
      )
      const [, key = ''] = /PRIMARY KEY\((.+?)\)/.exec(statement) ?? /^\t("\w+") .+PRIMARY KEY/m.exec(statement) ?? []
      shapes.set(table, { columns, key: key.split(',').map((name) => literal(name.replaceAll('"', ''))) })
    }
    shapes.get(changed)?.columns.push(column(name, type + list, false))
  }
  return shapes
}

function column(name: string, type: string, isRequired: boolean): string {
  return `(${literal(name)}, ${literal(type)}, ${isRequired})`
}

/**
 * SQL: true if the relation `oid` can be this table of a cache, of this version or an older one.
 *
 * A table without a primary key passes: its key was dropped, and `doctor` reports the missing index. Unknown columns
 * pass too, because they may belong to a newer version.
 */
export function isCacheTable({ prefix }: TableNames, table: NamedTable, oid: string): string {
  const shape = SHAPES.get(table.tableName.slice(prefix.length))
  if (shape === undefined) throw new Error('No migration creates this table.')
  return `coalesce((
  select c.relkind in ('r', 'p') and c.relpersistence <> 't' and not exists (
      select from (values ${shape.columns.join(', ')}) as wanted(name, type, is_required)
      left join pg_catalog.pg_attribute as a
        on a.attrelid = c.oid and a.attname = wanted.name and a.attnum > 0 and not a.attisdropped
      where case when a.attname is null then wanted.is_required
        else a.atttypid is distinct from pg_catalog.to_regtype(wanted.type) end
    ) and not exists (
      select from pg_catalog.pg_index as i where i.indrelid = c.oid and i.indisprimary and array[${shape.key.join(', ')}] is distinct from (
        select array_agg(a.attname::text order by k.position)
        from unnest(i.indkey) with ordinality as k(number, position)
        join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.number)
    )
  from pg_catalog.pg_class as c where c.oid = ${oid}), false)`
}

import { bool, oneOf, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import { type NamedTable, oidOf, shownName, type TableNames } from '../../schema/table-names.ts'
import { type Check, type Observation, ok } from '../finding.ts'

interface Wanted {
  readonly table: keyof Pick<TableNames, 'entries' | 'leases' | 'invalidations'>
  /** The index must start with these columns, in this order. */
  readonly columns: readonly string[]
  readonly isKey: boolean
}

const WANTED: readonly Wanted[] = [
  { table: 'entries', columns: ['key'], isKey: true },
  { table: 'entries', columns: ['cleanup_slot'], isKey: false },
  { table: 'leases', columns: ['key'], isKey: true },
  { table: 'leases', columns: ['cleanup_slot'], isKey: false },
  { table: 'invalidations', columns: ['tag', 'xid'], isKey: true },
]

/** A touch changes these columns. If an index contains one of them, each touch writes to all indexes. */
const MOVING = ['expires_at', 'kept_until', 'updated_at']

const facts = operation({
  name: 'check_indexes',
  repeatable: 'always',
  rows: 'any number',
  columns: {
    table: oneOf('entries', 'leases', 'invalidations'),
    name: text,
    isUnique: bool,
    isValid: bool,
    isByBytes: bool,
    columns: text,
  },
  build: (tables) => ({
    select: {
      table: sql`case i.indrelid ${whenTable(tables, 'entries')} ${whenTable(tables, 'leases')} else 'invalidations' end`,
      name: sql`i.indexrelid::regclass::text`,
      isUnique: sql`i.indisunique`,
      isValid: sql`i.indisvalid`,
      isByBytes: sql`coalesce((select c.collname = 'C' from pg_collation as c where c.oid = i.indcollation[0]), false)`,
      columns: sql`(
        select string_agg(coalesce(a.attname::text, '?'), ',' order by k.position)
        from unnest(i.indkey::int[]) with ordinality as k(number, position)
        left join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = k.number)`,
    },
    from: sql`pg_index as i where i.indrelid in (${oidOf(tables.entries)}, ${oidOf(tables.leases)}, ${oidOf(tables.invalidations)})`,
  }),
})

function whenTable(tables: TableNames, name: 'entries' | 'leases'): Sql {
  return sql`when ${oidOf(tables[name])} then ${raw(`'${name}'`)}`
}

/** Checks that the indexes exist and are valid, and that no extra index makes touches expensive. */
export const indexes: Check = {
  name: 'indexes',
  needsTables: true,
  async look({ runner, tables }) {
    const found = await runner.run(facts)
    const seen: Observation[] = []
    for (const wanted of WANTED) {
      const serves = found.some(
        ({ table, columns, isUnique, isValid }) =>
          table === wanted.table && isValid && (isUnique || !wanted.isKey) && startsWith(columns, wanted.columns),
      )
      if (!serves) seen.push(absent(wanted, tables))
    }
    for (const { name } of found.filter(({ isValid }) => !isValid)) {
      const what = `The index ${name} is invalid, because its creation was interrupted. Reads cannot use it.`
      seen.push({ status: 'warning', what, advice: `reindex index concurrently ${name};` })
    }
    const unordered = found.filter(
      ({ isUnique, isByBytes, columns }) => isUnique && !isByBytes && /^(?:key|tag)\b/.test(columns),
    )
    for (const { name } of unordered) {
      const what = `The index ${name} is not in byte order, so lists and cleanups of a namespace read the whole table.`
      seen.push({ status: 'warning', what, advice: 'Run `pgstash migrate`: it gives the column the collation "C".' })
    }
    const moving = found.filter(
      ({ table, columns }) => table === 'entries' && columns.split(',').some((column) => MOVING.includes(column)),
    )
    for (const { name, columns } of moving) {
      const what = `The index ${name} is on ${columns}, which every touch changes, so each touch writes to all indexes.`
      seen.push({ status: 'warning', what, advice: `drop index concurrently ${name};` })
    }
    return seen.length > 0 ? seen : [ok('All required indexes exist.')]
  },
}

function startsWith(columns: string, wanted: readonly string[]): boolean {
  return `${columns},`.startsWith(`${wanted.join(',')},`)
}

function absent({ table, columns, isKey }: Wanted, tables: TableNames): Observation {
  const target: NamedTable = tables[table]
  const name = shownName(tables, target)
  return {
    status: 'problem',
    what: `No index of ${name} serves ${columns.join(', ')}: ${isKey ? 'writes fail' : 'cleanup reads the whole table'}.`,
    advice: isKey
      ? `alter table ${name} add primary key (${columns.join(', ')});`
      : `create index concurrently ${target.tableName}_${columns.join('_')}_idx on ${name} (${columns.join(', ')});`,
  }
}

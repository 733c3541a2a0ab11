import { text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { join, raw, type Sql, sql } from '../../schema/sql.ts'
import { oidOf, shownName, type TableNames } from '../../schema/table-names.ts'
import { formatCount } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const RIGHTS = ['select', 'insert', 'update', 'delete'] as const
const TABLES = ['entries', 'leases', 'invalidations', 'state', 'changes'] as const

const facts = operation({
  name: 'check_privileges',
  repeatable: 'always',
  rows: 'one',
  columns: { role: text, missing: text },
  build: (tables) => ({
    select: {
      role: sql`current_user::text`,
      // One text, because drivers return arrays in different forms.
      missing: sql`concat_ws(',', ${join(missing(tables))})`,
    },
    from: sql`(select) as one`,
  }),
})

function missing(tables: TableNames): Sql[] {
  return TABLES.flatMap((name) =>
    RIGHTS.map(
      (right) =>
        sql`case when not has_table_privilege(${oidOf(tables[name])}, ${raw(`'${right}'`)}) then ${raw(`'${right} ${name}'`)} end`,
    ),
  )
}

/** Checks that this role has every privilege that a cache needs. */
export const privileges: Check = {
  name: 'privileges',
  needsTables: true,
  async look({ runner, tables }) {
    const [row] = await runner.run(facts)
    if (row === undefined || row.missing === '') return [ok('This role has every privilege that a cache needs.')]
    const lacking = row.missing.split(',')
    const onlyReads = lacking.every((right) => !right.startsWith('select'))
    // Only telemetry needs the history table, but one grant covers both.
    const names = [...TABLES, 'history' as const].map((name) => shownName(tables, tables[name])).join(', ')
    return [
      {
        status: onlyReads ? 'warning' : 'problem',
        what: onlyReads
          ? `The role ${row.role} may read the cache, but some writes fail: it lacks ${formatCount(lacking.length, 'privilege')}.`
          : `The role ${row.role} may not read all of the cache, so calls fail: it lacks ${formatCount(lacking.length, 'privilege')}.`,
        advice: `As the owner: grant select, insert, update, delete on ${names} to ${row.role}; Not needed for a role that must only read.`,
      },
    ]
  },
}

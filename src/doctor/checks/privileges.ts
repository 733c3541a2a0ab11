import { type SQL, sql } from 'drizzle-orm'
import { text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import type { CacheTables } from '../../schema/index.ts'
import { type Check, oidOf, ok, shownName } from '../finding.ts'

const RIGHTS = ['select', 'insert', 'update', 'delete'] as const
const TABLES = ['entries', 'leases', 'invalidations', 'state', 'changes'] as const

const facts = operation({
  name: 'check_privileges',
  repeatable: 'always',
  rows: 'one',
  columns: { role: text, missing: text },
  build: (db, tables, answer) =>
    answer(db, {
      role: sql`current_user::text`,
      // As one text, because drivers differ in how they answer with arrays.
      missing: sql`concat_ws(',', ${sql.join(missing(tables), sql`, `)})`,
    }).from(sql`(select) as one`),
})

function missing(tables: CacheTables): SQL[] {
  return TABLES.flatMap((name) =>
    RIGHTS.map(
      (right) =>
        sql`case when not has_table_privilege(${oidOf(tables, tables[name])}, ${sql.raw(`'${right}'`)}) then ${sql.raw(`'${right} ${name}'`)} end`,
    ),
  )
}

/** Whether this role may do all that an application's does. */
export const privileges: Check = {
  name: 'privileges',
  needsTables: true,
  async look({ runner, tables }) {
    const [row] = await runner.run(facts)
    if (row === undefined || row.missing === '') return [ok('This role may do all that a cache does.')]
    const lacking = row.missing.split(',')
    const onlyReads = lacking.every((right) => !right.startsWith('select'))
    // The history of telemetry is no cache's need, and one grant does for both.
    const names = [...TABLES, 'history' as const].map((name) => shownName(tables, tables[name])).join(', ')
    return [
      {
        status: onlyReads ? 'warning' : 'problem',
        what: onlyReads
          ? `This role may read the cache, and not all that writes it (${lacking.length} rights are missing).`
          : `This role may not even read all of the cache (${lacking.length} rights are missing).`,
        advice: `As the owner: grant select, insert, update, delete on ${names} to ${row.role}. For a role that only reads, that is meant so.`,
      },
    ]
  },
}

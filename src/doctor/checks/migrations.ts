import { migrations as known } from '../../migrate/migrations.ts'
import { isCacheTable } from '../../migrate/shape-sql.ts'
import { bool, nullable, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { ownTables } from '../../schema/own-tables.ts'
import { join, quoteText, raw, sql } from '../../schema/sql.ts'
import { identifier } from '../../schema/sql-text.ts'
import { oidOf, regclass, shownName } from '../../schema/table-names.ts'
import { type Check, type Examined, ok } from '../finding.ts'

/**
 * True if the search_path names a schema that exists and that the role may use. The schema of temporary tables does not
 * count.
 */
export const HAS_SCHEMA = sql`not coalesce(starts_with(current_schema()::text, 'pg_temp'), true)`

const present = operation({
  name: 'check_present',
  repeatable: 'always',
  rows: 'one',
  columns: {
    entries: bool,
    leases: bool,
    invalidations: bool,
    state: bool,
    changes: bool,
    history: bool,
    isHidden: bool,
    hasSchema: bool,
  },
  build: (tables) => ({
    select: {
      entries: sql`${oidOf(tables.entries)} is not null`,
      leases: sql`${oidOf(tables.leases)} is not null`,
      invalidations: sql`${oidOf(tables.invalidations)} is not null`,
      state: sql`${oidOf(tables.state)} is not null`,
      changes: sql`${oidOf(tables.changes)} is not null`,
      history: sql`${oidOf(tables.history)} is not null`,
      hasSchema: HAS_SCHEMA,
      isHidden: sql`coalesce(row_security_active(${oidOf(tables.state)}), false)`,
    },
    from: sql`(select) as one`,
  }),
})

/** Finds tables that have the cache's names, but are not the cache's. Returns their numbers as one text. */
const foreign = operation({
  name: 'check_foreign',
  repeatable: 'always',
  rows: 'one',
  columns: { numbers: text },
  build: (tables) => ({
    select: {
      numbers: sql`concat_ws(',', ${join(
        ownTables(tables).map((table, index) => {
          const oid = regclass(table)
          return raw(`case when ${oid} is not null and not ${isCacheTable(tables, table, oid)} then '${index}' end`)
        }),
      )})`,
    },
    from: sql`(select) as one`,
  }),
})

/** Null if the schema does not exist. Without `usage`, a role cannot even look up the name of a table. */
const usable = operation({
  name: 'check_usable',
  repeatable: 'always',
  rows: 'one',
  columns: { isUsable: nullable(bool), role: text },
  build: ({ schema = '' }) => ({
    select: {
      isUsable: sql`has_schema_privilege(to_regnamespace(${quoteText(identifier(schema))}::text), 'usage')`,
      role: sql`current_user::text`,
    },
    from: sql`(select) as one`,
  }),
})

const recorded = operation({
  name: 'check_recorded',
  repeatable: 'always',
  rows: 'any number',
  columns: { name: text },
  build: ({ state }) => ({
    select: { name: sql`substr(${state.name}, length('migration ') + 1)` },
    from: sql`${state} where ${state.name} like 'migration %'`,
  }),
})

const ADVICE = 'Run `pgstash migrate` before you deploy the code of this version.'

/** Checks that the tables exist and have this version. */
export const migrations: Check = {
  name: 'migrations',
  needsTables: false,
  async look(examined: Examined) {
    const { runner, tables } = examined
    if (tables.schema !== undefined) {
      const [access] = await runner.run(usable)
      if (access?.isUsable === false) {
        const what = `The role ${access.role} may not use the schema ${tables.schema}, so it finds no tables.`
        const advice = `As the owner of the schema: grant usage on schema ${tables.schema} to ${access.role};`
        return [{ status: 'problem', what, advice }]
      }
    }
    const [strange] = await runner.run(foreign)
    if (strange !== undefined && strange.numbers !== '') {
      const own = ownTables(tables)
      const taken = strange.numbers.split(',').flatMap((number) => own[Number(number)] ?? [])
      const what = `Other tables use the cache's names, judged by their columns and key: ${taken.map((table) => shownName(tables, table)).join(', ')}. The cache cannot use them.`
      const advice =
        'Choose another schema or prefix for the cache: --schema or --table-prefix for `pgstash migrate` and this command, cacheTables({ schema, prefix }) in your code.'
      return [{ status: 'problem', what, advice }]
    }
    const [row] = await runner.run(present)
    const names = ['entries', 'leases', 'invalidations', 'state', 'changes', 'history'] as const
    if (tables.schema === undefined && row?.hasSchema === false) {
      const what = 'The search_path names no schema that exists and that this role may use, so it finds no tables.'
      const advice = 'Correct it for the connection string, role or database, or pass --schema.'
      return [{ status: 'problem', what, advice }]
    }
    const missing = names.filter((name) => row?.[name] !== true).map((name) => shownName(tables, tables[name]))
    if (missing.length > 0) {
      const what = `There is no ${missing.join(', ')}, or this role may not see it: calls of the cache fail.`
      const advice = 'Run `pgstash migrate`. If you did, check --schema and --table-prefix.'
      return [{ status: 'problem', what, advice }]
    }
    if (row?.isHidden === true) {
      const what = `Not checked: row-level security may hide the records of migrations in ${shownName(tables, tables.state)}.`
      return [
        { status: 'warning', what, advice: 'See row-security, or run `pgstash doctor` as the owner of the tables.' },
      ]
    }
    const applied = new Set((await runner.run(recorded)).map(({ name }) => name))
    const behind = known.filter(({ name }) => !applied.has(name)).map(({ name }) => name)
    if (behind.length > 0) {
      const what = `Not applied yet: ${behind.join(', ')}. Calls that need these migrations fail.`
      return [{ status: 'problem', what, advice: ADVICE }]
    }
    if (applied.size > known.length) {
      const what = 'The tables are of a newer version than this command. Older code keeps working during a deployment.'
      return [
        { status: 'note', what, advice: 'If the deployment is over, run the newer command: npx pgstash@latest doctor' },
      ]
    }
    return [ok('The tables are up to date.')]
  },
}

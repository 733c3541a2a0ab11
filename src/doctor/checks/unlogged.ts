import { bool } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { oidOf, shownName } from '../../schema/table-names.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_unlogged',
  repeatable: 'always',
  rows: 'one',
  columns: { isUnlogged: bool, isLogUnlogged: bool, isNeon: bool },
  build: (tables) => ({
    select: {
      isUnlogged: sql`exists (
        select from pg_class where relpersistence = 'u'
          and oid in (${oidOf(tables.entries)}, ${oidOf(tables.leases)}))`,
      isLogUnlogged: sql`exists (
        select from pg_class where relpersistence = 'u'
          and oid in (${oidOf(tables.invalidations)}, ${oidOf(tables.state)}))`,
      // Every Neon project has this role.
      isNeon: sql`exists (select from pg_roles where rolname = 'neon_superuser')`,
    },
    from: sql`(select) as one`,
  }),
})

const AGAIN = 'Run `pgstash migrate` without --unlogged.'

/** Checks whether the cache survives a restart. */
export const unlogged: Check = {
  name: 'unlogged',
  needsTables: true,
  async look({ runner, tables, host }) {
    const [row] = await runner.run(facts)
    if (row?.isLogUnlogged) {
      const what = 'The log of invalidations is unlogged: a crash empties it, and invalidated entries are live again.'
      return [
        {
          status: 'problem',
          what,
          advice: `alter table ${shownName(tables, tables.invalidations)} set logged; alter table ${shownName(tables, tables.state)} set logged;`,
        },
      ]
    }
    if (!row?.isUnlogged) return [ok('Entries survive a restart.')]
    if (row.isNeon || host.endsWith('.neon.tech')) {
      const what = 'The tables are unlogged, and this is Neon: each suspend of the compute empties the cache.'
      return [{ status: 'problem', what, advice: AGAIN }]
    }
    const what = 'The tables are unlogged: a crash or a failover empties the cache.'
    return [{ status: 'note', what, advice: `If that is not acceptable: ${AGAIN}` }]
  },
}

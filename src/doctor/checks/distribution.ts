import { CITUS_TABLES } from '../../migrate/distributed-sql.ts'
import { bool, text } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { ownTables } from '../../schema/own-tables.ts'
import { join, quoteText, raw, sql } from '../../schema/sql.ts'
import { oidOf } from '../../schema/table-names.ts'
import { type Check, ok } from '../finding.ts'

const present = operation({
  name: 'check_citus',
  repeatable: 'always',
  rows: 'one',
  columns: { hasCitus: bool },
  build: () => ({
    select: { hasCitus: sql`to_regclass(${quoteText(CITUS_TABLES)}::text) is not null` },
    from: sql`(select) as one`,
  }),
})

const distributed = operation({
  name: 'check_distribution',
  repeatable: 'always',
  rows: 'one',
  columns: { own: text, hasOthers: bool },
  build(tables) {
    const own = join(ownTables(tables).map((table) => sql`(${oidOf(table)}::oid, ${quoteText(table.tableName)}::text)`))
    const catalogue = raw(CITUS_TABLES)
    return {
      select: {
        own: sql`coalesce((
        select string_agg(own.name, ', ' order by own.name) from (values ${own}) as own(oid, name)
        join ${catalogue} as d on d.logicalrelid = own.oid), '')`,
        hasOthers: sql`exists (select from ${catalogue})`,
      },
      from: sql`(select) as one`,
    }
  },
})

/** Checks whether Citus distributes tables of the cache or of the application. */
export const distribution: Check = {
  name: 'distribution',
  needsTables: true,
  async look({ runner }) {
    const [citus] = await runner.run(present)
    if (citus?.hasCitus !== true) return [ok('No table is distributed.')]
    const [row] = await runner.run(distributed)
    if (row === undefined) return []
    if (row.own !== '') {
      const what = `Citus distributes ${row.own}: the rows have the transaction ids of other servers, so tagged entries may be stale.`
      const advice =
        "For each of these tables: select undistribute_table('…'); Then run `pgstash clear-all` and `pgstash migrate`."
      return [{ status: 'problem', what, advice }]
    }
    if (!row.hasOthers) return [ok('Citus is installed, and no table is distributed.')]
    const what =
      "Citus distributes tables of your application, but not the cache's: a transaction over several shards shows its invalidation before its data."
    const advice = 'Invalidate after the commit, and do not use `pgstash watch` for the distributed tables.'
    return [{ status: 'note', what, advice }]
  },
}

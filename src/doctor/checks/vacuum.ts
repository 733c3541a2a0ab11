import { bool, nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { oidOf, shownName } from '../../schema/table-names.ts'
import { formatCount, span } from '../figures.ts'
import { type Check, ok } from '../finding.ts'

const facts = operation({
  name: 'check_vacuum',
  repeatable: 'always',
  rows: 'at most one',
  columns: { isOn: bool, live: number, dead: number, sinceMs: nullable(number), due: number },
  build: (tables) => ({
    select: {
      isOn: sql`current_setting('autovacuum')::boolean`,
      live: sql`s.n_live_tup`,
      dead: sql`s.n_dead_tup`,
      sinceMs: sql`(extract(epoch from now() - greatest(s.last_vacuum, s.last_autovacuum)) * 1000)`,
      // This many dead rows start a vacuum, by the setting of the table or else of the server.
      due: sql`(current_setting('autovacuum_vacuum_threshold')::float8 + greatest(c.reltuples, 0) * coalesce(
        (select option_value from pg_options_to_table(c.reloptions) where option_name = 'autovacuum_vacuum_scale_factor')::float8,
        current_setting('autovacuum_vacuum_scale_factor')::float8))`,
    },
    from: sql`pg_class as c join pg_stat_all_tables as s on s.relid = c.oid where c.oid = ${oidOf(tables.entries)}`,
  }),
})

/** Between two runs, dead rows may reach twice the number that starts a vacuum. More means that vacuum lags. */
const LAGS_FROM = 2
/** Fewer dead rows have no visible effect. */
const FEW_ROWS = 1_000

/** Checks that vacuum keeps up with the dead rows of writes. */
export const vacuum: Check = {
  name: 'vacuum',
  needsTables: true,
  async look({ runner, tables }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const last = row.sinceMs === null ? 'never vacuumed' : `last vacuumed ${span(row.sinceMs)} ago`
    const what = `${formatCount(row.dead, 'dead row')} against ${formatCount(row.live, 'live one')}, ${last}.`
    if (!row.isOn) {
      return [
        {
          status: 'problem',
          what: `Autovacuum is off on the whole server, so dead rows pile up: ${what}`,
          advice: 'alter system set autovacuum = on; select pg_reload_conf();',
        },
      ]
    }
    if (row.dead < FEW_ROWS || row.dead < row.due * LAGS_FROM) return [ok(what)]
    return [
      {
        status: 'warning',
        what: `Vacuum lags: ${what} Dead rows take space and slow down reads.`,
        advice: `First end transactions that stay open (see transactions), then run: vacuum ${shownName(tables, tables.entries)}; If it happens again, raise autovacuum_max_workers or autovacuum_vacuum_cost_limit.`,
      },
    ]
  },
}

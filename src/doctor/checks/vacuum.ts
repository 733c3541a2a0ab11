import { sql } from 'drizzle-orm'
import { bool, nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { formatCount, span } from '../figures.ts'
import { type Check, oidOf, ok, shownName } from '../finding.ts'

const facts = operation({
  name: 'check_vacuum',
  repeatable: 'always',
  rows: 'at most one',
  columns: { isOn: bool, live: number, dead: number, sinceMs: nullable(number), due: number },
  build: (db, tables, answer) =>
    answer(db, {
      isOn: sql`current_setting('autovacuum')::boolean`,
      live: sql`s.n_live_tup`,
      dead: sql`s.n_dead_tup`,
      sinceMs: sql`(extract(epoch from now() - greatest(s.last_vacuum, s.last_autovacuum)) * 1000)`,
      // What starts a vacuum, by the table's own setting or the server's.
      due: sql`(current_setting('autovacuum_vacuum_threshold')::float8 + greatest(c.reltuples, 0) * coalesce(
        (select option_value from pg_options_to_table(c.reloptions) where option_name = 'autovacuum_vacuum_scale_factor')::float8,
        current_setting('autovacuum_vacuum_scale_factor')::float8))`,
    }).from(
      sql`pg_class as c join pg_stat_all_tables as s on s.relid = c.oid where c.oid = ${oidOf(tables, tables.entries)}`,
    ),
})

/** Twice of what starts a vacuum may be between two visits; more is a lag. */
const LAGS_FROM = 2
/** Below that nobody notices. */
const FEW_ROWS = 1_000

/** Whether vacuum keeps up with the rows that writes leave behind. */
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
        { status: 'problem', what: `Autovacuum is off on the whole server. ${what}`, advice: 'Set autovacuum = on.' },
      ]
    }
    if (row.dead < FEW_ROWS || row.dead < row.due * LAGS_FROM) return [ok(what)]
    return [
      {
        status: 'warning',
        what: `Vacuum lags: ${what}`,
        advice: `Look for transactions that stay open (below); then 'vacuum ${shownName(tables, tables.entries)}', more autovacuum workers or a higher autovacuum_vacuum_cost_limit.`,
      },
    ]
  },
}

import { sql } from 'drizzle-orm'
import { operation } from '../../postgres/database.ts'
import { counted, span } from '../figures.ts'
import { type Check, oidOf, ok, shownName } from '../finding.ts'

const facts = operation('always', (db, tables) =>
  db
    .select({
      isOn: sql<boolean>`current_setting('autovacuum')::boolean`,
      live: sql<number>`s.n_live_tup::float8`,
      dead: sql<number>`s.n_dead_tup::float8`,
      sinceMs: sql<
        number | null
      >`(extract(epoch from now() - greatest(s.last_vacuum, s.last_autovacuum)) * 1000)::float8`,
      // What starts a vacuum, by the table's own setting or the server's.
      due: sql<number>`(current_setting('autovacuum_vacuum_threshold')::float8 + greatest(c.reltuples, 0) * coalesce(
        (select option_value from pg_options_to_table(c.reloptions) where option_name = 'autovacuum_vacuum_scale_factor')::float8,
        current_setting('autovacuum_vacuum_scale_factor')::float8))::float8`,
    })
    .from(
      sql`pg_class as c join pg_stat_all_tables as s on s.relid = c.oid where c.oid = ${oidOf(tables, tables.entries)}`,
    ),
)

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
    const what = `${counted(row.dead, 'dead row')} against ${counted(row.live, 'live one')}, ${last}.`
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

import { bool, nullable, number } from '../../postgres/kinds.ts'
import { operation } from '../../postgres/operation.ts'
import { sql } from '../../schema/sql.ts'
import { formatCount, span } from '../figures.ts'
import { type Check, type Observation, ok } from '../finding.ts'

/** Counts at most this many rows. */
const MOST = 100_000

const facts = operation({
  name: 'check_transactions',
  repeatable: 'always',
  rows: 'one',
  columns: { openMs: nullable(number), pid: nullable(number), prepared: number, held: number, maySee: bool },
  build({ invalidations }) {
    // The oldest open transaction pins the oldest row that anybody may still need. Reads of tagged entries search from
    // there.
    const oldest = sql`pg_snapshot_xmin(pg_current_snapshot())`
    // A transaction in another database that only reads holds nothing back here. But all databases share transaction
    // ids.
    const isHolding = sql`pid <> pg_backend_pid() and backend_type = 'client backend'
      and (datname = current_database() or backend_xid is not null)`
    return {
      select: {
        openMs: sql`(select extract(epoch from now() - min(xact_start)) * 1000 from pg_stat_activity
        where ${isHolding})`,
        pid: sql`(select pid from pg_stat_activity
        where ${isHolding} and xact_start is not null order by xact_start limit 1)`,
        prepared: sql`(select count(*) from pg_prepared_xacts where prepared < now() - interval '10 minutes')`,
        held: sql`(select count(*) from (
        select from ${invalidations} where xid >= ${oldest} limit ${MOST}) as l)`,
        maySee: sql`pg_has_role('pg_read_all_stats', 'usage') or current_setting('is_superuser')::boolean`,
      },
      from: sql`(select) as one`,
    }
  },
})

const LONG_MS = 600_000
/** With 20,000 rows to look through, a read of 50 tagged entries was measured at 91 ms. */
const MANY_HELD = 10_000

/** Checks for transactions that stay open, because vacuum and the trimming of the log wait for them. */
export const transactions: Check = {
  name: 'transactions',
  needsTables: true,
  async look({ runner }) {
    const [row] = await runner.run(facts)
    if (row === undefined) return []
    const seen: Observation[] = []
    const open = row.openMs ?? 0
    if (open > LONG_MS || row.held >= MANY_HELD) {
      const by = row.pid === null ? '' : `, by process ${row.pid}`
      const since = row.openMs === null ? 'A transaction is open' : `A transaction has been open for ${span(open)}${by}`
      const what = `${since}: ${formatCount(row.held, 'invalidation')} since then slow down reads of tagged entries, and vacuum waits.`
      const pid = row.pid ?? 'pid'
      const advice = `End it: select pg_terminate_backend(${pid}); To prevent the next one, set idle_in_transaction_session_timeout.`
      seen.push({ status: 'warning', what, advice })
    }
    if (row.prepared > 0) {
      const what = `${formatCount(row.prepared, 'prepared transaction was', 'prepared transactions were')} never finished: vacuum waits.`
      const advice = "select gid from pg_prepared_xacts; then rollback prepared '<gid>'; or commit prepared '<gid>';"
      seen.push({ status: 'warning', what, advice })
    }
    if (!row.maySee) {
      const what = 'This role sees only its own sessions, so this check may miss transactions of other roles.'
      seen.push({
        status: 'note',
        what,
        advice: 'As a superuser, for the role of this connection: grant pg_read_all_stats to …;',
      })
    }
    return seen.length > 0 ? seen : [ok('No transaction has been open for long.')]
  },
}

/**
 * Detects positions that belong to another history of transaction ids.
 *
 * Ids go back after the promotion of a lagging standby, a crash that loses commits, or a restore to an earlier time.
 * Postgres then uses the same ids again for other transactions. An older snapshot names ids that now mean something
 * else.
 */
import { raw, type Sql, sql } from '../../schema/sql.ts'
import { literal } from '../../schema/sql-text.ts'
import type { TableNames } from '../../schema/table-names.ts'

/**
 * The first version that reports the start of its statistics at no cost. Older versions read the statistics from a
 * file.
 */
const CHEAP_STATISTICS = 150_000

/** True for a snapshot beyond the newest transaction of this database. Null for no snapshot. */
export function isFromFuture(snapshot: Sql): Sql {
  return sql`(pg_snapshot_xmax(${snapshot}) > pg_snapshot_xmax(pg_current_snapshot()))`
}

/**
 * Names the history that the log of changes belongs to. The name has three parts. At least one of them changes after
 * every event that can make ids go back:
 *
 * - The server's start time: a promoted standby, a restored backup and a new compute of Neon are other servers.
 * - The start time of its statistics: a crash discards them, even if the server only restarts its processes.
 * - The log's file: it differs in another database, and after the log was truncated or created again.
 *
 * An ordinary restart also changes the name, and the caller then loses its copies once. Rejected: the timeline's id,
 * because recovery from a crash keeps it. Rejected: positions in the write-ahead log, because Aurora does not report
 * them.
 */
export function historyName({ changes }: TableNames): Sql {
  const log = raw(`${literal(changes.text)}::regclass`)
  return sql`concat_ws(' ', pg_relation_filepath(${log}), extract(epoch from pg_postmaster_start_time()),
    case when current_setting('server_version_num')::int >= ${CHEAP_STATISTICS}
      then extract(epoch from pg_stat_get_bgwriter_stat_reset_time()) end)`
}

/**
 * The current snapshot. Null on a standby, because its snapshots do not list running transactions. A running
 * transaction would look as if its data had been read.
 */
export const trustedSnapshot: Sql = sql`case when not pg_is_in_recovery() then pg_current_snapshot() end`

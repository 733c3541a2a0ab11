/**
 * Detects positions that belong to another history of transaction ids.
 *
 * Ids go back after the promotion of a lagging standby, a crash that loses commits, and a restore to an earlier time. They are
 * then used a second time, for other transactions. A snapshot from before names ids that mean something else now.
 */
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { literal, qualified } from '../../schema/sql-text.ts'

/** The first version that can tell at no cost when its statistics began. Older ones read them from a file. */
const CHEAP_STATISTICS = sql.raw('150000')

/** True for a snapshot beyond the newest transaction of this database. Null for no snapshot. */
export function isFromFuture(snapshot: SQLWrapper): SQL<boolean> {
  return sql<boolean>`(pg_snapshot_xmax(${snapshot}) > pg_snapshot_xmax(pg_current_snapshot()))`
}

/**
 * Names the history that the log of changes belongs to. The name differs after everything that can take ids back:
 *
 * - The start of the server: a promoted standby, a restored backup and a compute of Neon are other servers.
 * - The start of its statistics: a crash discards them, also one that the server survives by restarting its processes.
 * - The log's file: another database, or a log that was truncated or created again.
 *
 * An ordinary restart changes the name as well, which costs the caller its copies once. The id of the timeline would not be
 * enough: recovery from a crash keeps it. Positions in the write-ahead log are not used, because Aurora refuses to tell them.
 */
export function historyName(tables: CacheTables): SQL {
  const log = sql.raw(`${literal(qualified(tables, tables.changes))}::regclass`)
  return sql`concat_ws(' ', pg_relation_filepath(${log}), extract(epoch from pg_postmaster_start_time()),
    case when current_setting('server_version_num')::int >= ${CHEAP_STATISTICS}
      then extract(epoch from pg_stat_get_bgwriter_stat_reset_time()) end)`
}

/**
 * The current snapshot. Null on a standby, whose snapshots list no running transactions. There, a transaction that is still
 * running would look like one whose data was read.
 */
export const trustedSnapshot: SQL = sql`case when not pg_is_in_recovery() then pg_current_snapshot() end`

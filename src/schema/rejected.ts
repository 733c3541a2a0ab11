/** The condition under which a tagged value must not be returned. */
import { join, raw, type Sql, sql } from './sql.ts'
import { literal } from './sql-text.ts'
import type { NamedTable, TableNames } from './table-names.ts'

/** Names of the rows of `cache_state` that concern tags. */
export const TAG_STATE = {
  /**
   * The horizon of the trimmed log: a transaction id, a space, and the snapshot since which all entries were checked.
   */
  horizon: 'tag horizon',
  /** How far the check of all entries has come. Cleanup's statements lock this row. */
  cleanup: 'tag cleanup',
  /** The cluster that the transaction ids belong to. */
  cluster: 'cluster',
  /** The transaction that wrote the row of the first migration. It lets us recognise copied rows. */
  home: 'home',
} as const

/** The tables that the condition reads. */
export type TagLog = Pick<TableNames, 'invalidations' | 'state'>

/** The value to check. */
export interface Tagged {
  readonly tags: Sql
  /** The snapshot of the data that the value was computed from. Never null if there are tags. */
  readonly filledAt: Sql
  /** The transaction that wrote the value. */
  readonly writtenBy: Sql
  /** The row's `xmin`, if the statement may meet a version of the row that is newer than its own snapshot. */
  readonly xmin?: Sql
}

/**
 * True if the value may be older than an invalidation of one of its tags. The check costs nothing for values without
 * tags.
 *
 * A value is rejected for any of four reasons:
 *
 * - A transaction that the value's snapshot could not see invalidated one of its tags. The transaction that wrote the
 *   value counts too, because it may look finished in its own snapshot. The check runs per tag and is ordered, because
 *   otherwise the planner would scan the log if few tags fill it. It checks all newer rows of a tag, because
 *   transactions do not commit in the order of their ids.
 * - Its snapshot is older than the horizon of the trimmed log, and it was written after cleanup had checked all entries
 *   for that horizon. The log row that would have rejected it may be gone. Each statement reads the horizon once.
 * - Row-level security may hide rows of the log from this role. A missing row then proves nothing, so tagged entries
 *   are misses: slow, but never stale. Each statement checks this once, and only if an entry has tags.
 * - Its snapshot is in the future, because the row was restored from another cluster. A statement that locks may also
 *   find a row that was written after the statement's own snapshot. The `xmin` of that row is not older than all
 *   running transactions.
 */
export function rejected(log: TagLog, { tags, filledAt, writtenBy, xmin }: Tagged): Sql {
  const { invalidations, state } = log
  const horizon = (part: 1 | 2) =>
    sql`(select split_part(h.value, ' ', ${part}) from ${state} as h where h.name = ${raw(`'${TAG_STATE.horizon}'`)})`
  const isOlderThanAllRunning = xmin && sql`age(${xmin}) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)`
  return sql`(${tags} is not null and (
    ${isHidden(invalidations, state)}
    or (pg_snapshot_xmax(${filledAt}) > pg_snapshot_xmax(pg_current_snapshot())${isOlderThanAllRunning ? sql` and ${isOlderThanAllRunning}` : sql``})
    or coalesce(
      pg_snapshot_xmin(${filledAt}) < ${horizon(1)}::xid8
      and not coalesce(pg_visible_in_snapshot(${writtenBy}, ${horizon(2)}::pg_snapshot), false), false)
    or exists (
      select from unnest(${tags}) as tagged(tag)
      where (
        select i.xid from ${invalidations} as i
        where i.tag = tagged.tag collate "C"
          and i.xid >= pg_snapshot_xmin(${filledAt})
          and (not pg_visible_in_snapshot(i.xid, ${filledAt}) or i.xid = ${writtenBy})
        order by i.xid desc
        limit 1
      ) is not null
    )
  ))`
}

/** True if row-level security may hide rows of these tables from the current role. */
export function isHidden(...tables: readonly NamedTable[]): Sql {
  const active = tables.map(({ text }) => raw(`row_security_active(${literal(text)}::text)`))
  // Use a subquery, because Postgres evaluates it once, and only if there is a value to check.
  return sql`(select ${join(active, ' or ')})`
}

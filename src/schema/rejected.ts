/** What makes a tagged value unfit to be answered with. */
import { type SQL, type SQLWrapper, sql, type Table } from 'drizzle-orm'
import type { CacheTables } from './index.ts'
import { literal, qualified } from './sql-text.ts'

/** Rows of `cache_state` that are about tags. */
export const TAG_STATE = {
  /** Up to where the log was trimmed: a transaction id, a space, and the snapshot that all entries were looked through since. */
  horizon: 'tag horizon',
  /** How far the looking through has come. */
  cleanup: 'tag cleanup',
  /** The cluster whose transaction ids all of this is about. */
  cluster: 'cluster',
} as const

/** The tables that the judgement reads. */
export type TagLog = Pick<CacheTables, 'invalidations' | 'state' | 'schema'>

/** What is judged. */
export interface Tagged {
  readonly tags: SQLWrapper
  /** What the value's data could see. Never null where there are tags. */
  readonly filledAt: SQLWrapper
  /** The transaction that wrote the value. */
  readonly writtenBy: SQLWrapper
  /** The row's `xmin`, where the statement may meet a version of it that is newer than its own snapshot. */
  readonly xmin?: SQLWrapper
}

/**
 * Whether the value may be older than an invalidation of one of its tags. Costs nothing where there are no tags.
 *
 * - A tag was invalidated by a transaction that the value's snapshot could not see, or by the very one that wrote it:
 *   in a snapshot of its own a transaction may look finished. Per tag and ordered, because the planner would otherwise
 *   scan the log when few tags fill it; all of a tag's newer rows, because transactions do not commit in the order of
 *   their ids.
 * - It is from before the horizon up to which the log was trimmed, and was written after all entries had been looked
 *   through for that: what would have rejected it may be gone. Both are looked up once a statement.
 * - Policies of row-level security may hide rows of the log from this role. Then no absence proves anything, and tagged
 *   entries are misses: slow, and never stale. Asked once a statement, and of no cost to entries without tags.
 * - Its snapshot is of the future: the row was restored from another cluster. A statement that locks may meet a row that
 *   was written since its own snapshot: that one's `xmin` is not older than everything that was running.
 */
export function rejected(log: TagLog, { tags, filledAt, writtenBy, xmin }: Tagged): SQL<boolean> {
  const { invalidations, state } = log
  const horizon = (part: 1 | 2) =>
    sql`(select split_part(h.value, ' ', ${sql.raw(String(part))}) from ${state} as h where h.name = ${sql.raw(`'${TAG_STATE.horizon}'`)})`
  const isOlderThanAllRunning = xmin && sql`age(${xmin}) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)`
  return sql<boolean>`(${tags} is not null and (
    ${isHidden(log, [invalidations, state])}
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

/** Whether policies of row-level security may hide rows of these tables from the current role. */
export function isHidden({ schema }: Pick<CacheTables, 'schema'>, tables: readonly Table[]): SQL<boolean> {
  const active = tables.map((table) => sql.raw(`row_security_active(${literal(qualified({ schema }, table))}::text)`))
  // As a subquery, because Postgres then asks once, and only if there is something to judge.
  return sql<boolean>`(select ${sql.join(active, sql` or `)})`
}

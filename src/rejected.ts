/** What makes a tagged value unfit to be answered with. */
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

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
export interface TagLog {
  readonly invalidations: SQLWrapper
  readonly state: SQLWrapper
}

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
 * - Its snapshot is of the future: the row was restored from another cluster. A statement that locks may meet a row that
 *   was written since its own snapshot: that one's `xmin` is not older than everything that was running.
 */
export function rejected({ invalidations, state }: TagLog, { tags, filledAt, writtenBy, xmin }: Tagged): SQL<boolean> {
  const horizon = (part: 1 | 2) =>
    sql`(select split_part(h.value, ' ', ${sql.raw(String(part))}) from ${state} as h where h.name = ${sql.raw(`'${TAG_STATE.horizon}'`)})`
  const isOlderThanAllRunning = xmin && sql`age(${xmin}) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)`
  return sql<boolean>`(${tags} is not null and (
    (pg_snapshot_xmax(${filledAt}) > pg_snapshot_xmax(pg_current_snapshot())${isOlderThanAllRunning ? sql` and ${isOlderThanAllRunning}` : sql``})
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

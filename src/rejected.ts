/** What makes a tagged value unfit to be answered with. */
import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

/**
 * Whether one of `tags` was invalidated by a transaction that a fill with the snapshot `filledAt` could not see.
 *
 * Per tag and ordered, because the planner would otherwise scan the log when few tags fill it; all of a tag's
 * newer rows, because transactions do not commit in the order of their ids. Never null where `filledAt` is there
 * whenever `tags` are.
 */
export function rejected(invalidations: SQLWrapper, tags: SQLWrapper, filledAt: SQLWrapper): SQL<boolean> {
  return sql<boolean>`(${tags} is not null and exists (
    select from unnest(${tags}) as tagged(tag)
    where (
      select i.xid from ${invalidations} as i
      where i.tag = tagged.tag collate "C"
        and i.xid >= pg_snapshot_xmin(${filledAt})
        and not pg_visible_in_snapshot(i.xid, ${filledAt})
      order by i.xid desc
      limit 1
    ) is not null
  ))`
}

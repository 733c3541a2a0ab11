/** Finds entries that a tag rejects. No index has them, so cleanup checks all entries, a part at a time. */

import { byBytes } from '../../schema/byte-order.ts'
import { rejected } from '../../schema/rejected.ts'
import { quoteName, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { ONE_ROW } from '../../schema/walk.ts'
import { cte } from '../operation.ts'
import { param } from './fragments.ts'
import { isAtPlaces, place } from './row-ids.ts'

/**
 * Builds three CTEs:
 *
 * - `scanned`: the next `scan` entries in key order
 * - `invalidated`, in SQL `unfit`: the scanned entries to remove, at most `batch`
 * - `lockable`, in SQL `loose`: the entries to remove that this statement has locked
 *
 * An invalidated entry is removed even while its key is being computed. But if the entry was written since the claim,
 * it stays, because the fill must see that write. The statement removes only the row version that it judged, and skips
 * locked rows.
 *
 * An entry that is only past its stale window stays while its key is being computed. The statement judges the version
 * in its snapshot. It checks the entry again when it locks it, because a touch may have moved the deadline.
 *
 * The places go through an array, for which the planner expects ten rows. Otherwise the planner overestimates the part.
 * It then reads the whole table, or JIT-compiles the check of the tags at each execution. A place can belong to several
 * rows of a partitioned table, so `unfit` repeats the range of the scanned keys.
 *
 * @param part a condition for the entries that are not checked yet: all keys above a bound, and perhaps below another
 * @param isPast a condition for entries to remove although no tag rejects them, if their keys are not being computed
 * @param isToRemove a condition for entries to remove as if a tag rejected them
 */
export function invalidatedEntries(
  tables: TableNames,
  part: Sql,
  { isPast = sql`false`, isToRemove = sql`false` }: { isPast?: Sql; isToRemove?: Sql },
) {
  const { entries, leases } = tables
  const scanned = cte('scanned')`
    select ${entries.key}, ${entries}.ctid as id from ${entries}, ${ONE_ROW} where ${part}
    order by ${byBytes(entries.key)}
    limit ${param('scan', 'int')}`
  const invalidated = cte('unfit')`
    select ${entries.key}, ${entries.writtenBy}, coalesce(${isPast}, false) as is_past from ${entries}
    where ${isAtPlaces(entries, sql`select id from scanned`, sql`${part} and ${byBytes(entries.key)} <= (select max(key collate "C") from scanned)`)}
      and (${isPast} or ${isToRemove} or ${rejected(tables, tables.entries)})
    order by ${byBytes(entries.key)}
    limit ${param('batch', 'int')}`
  const lockable = cte('loose')`
    select ${place(entries)} from unfit join ${entries} on ${entries.key} = unfit.key
    where ${entries.writtenBy} is not distinct from unfit.written_by
      and (not unfit.is_past or ${isPast})
      and not exists (
        select from ${leases} as held
        where held.key = ${entries.key} and held.token is not null
          and (unfit.is_past or held.seen is distinct from ${entries.writtenBy}))
    order by ${byBytes(entries.key)}
    for update of ${quoteName(entries.tableName)} skip locked`
  return { scanned, invalidated, lockable }
}

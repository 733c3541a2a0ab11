/** Finds entries that a tag rejects. No index has them, so cleanup checks all entries, a part at a time. */

import { getTableName, type SQL, sql } from 'drizzle-orm'
import { byBytes } from '../../schema/byte-order.ts'
import type { CacheTables } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'
import { isAtPlaces, place } from './row-ids.ts'

/**
 * Three CTEs:
 *
 * - `scanned`: the next `scan` entries in key order
 * - `invalidated`, in SQL `unfit`: those of them to remove, at most `batch`
 * - `lockable`, in SQL `loose`: those of them that this statement could lock, and has locked
 *
 * An entry whose key is being computed is removed too, unless it was written since the claim, because the fill must see that
 * somebody wrote meanwhile. Only the version that was judged is removed, and locked rows are skipped.
 *
 * An entry that is only past its time stays while its key is being computed. It was judged in the version that the snapshot
 * shows, and is checked again when it is locked, because a touch may have moved its deadline.
 *
 * The places go through an array, for which the planner expects ten rows. Otherwise it takes the part for larger than it is.
 * It then reads the whole table, or compiles the check of the tags at each execution. A place can belong to several rows of a
 * partitioned table, so `unfit` repeats the range of the scanned keys.
 *
 * @param part a condition for the entries that are not checked yet: those of all keys above one, maybe below another
 * @param isPast a condition for entries to remove although no tag rejects them, if their keys are not being computed
 * @param isToRemove a condition for entries to remove although no tag rejects them, as if one did
 */
export function invalidatedEntries(
  db: QueryDatabase,
  tables: CacheTables,
  part: SQL,
  { isPast = sql`false`, isToRemove = sql`false` }: { isPast?: SQL; isToRemove?: SQL },
) {
  const { entries, leases } = tables
  const scanned = db.$with('scanned', {}).as(sql`
    select ${entries.key}, ${entries}.ctid as id from ${entries} where ${part}
    order by ${byBytes(entries.key)}
    limit ${param('scan', 'int')}`)
  const invalidated = db.$with('unfit', {}).as(sql`
    select ${entries.key}, ${entries.writtenBy}, coalesce(${isPast}, false) as is_past from ${entries}
    where ${isAtPlaces(entries, sql`select id from scanned`, sql`${part} and ${byBytes(entries.key)} <= (select max(key collate "C") from scanned)`)}
      and (${isPast} or ${isToRemove} or ${rejected(tables, tables.entries)})
    order by ${byBytes(entries.key)}
    limit ${param('batch', 'int')}`)
  const lockable = db.$with('loose', {}).as(sql`
    select ${place(entries)} from unfit join ${entries} on ${entries.key} = unfit.key
    where ${entries.writtenBy} is not distinct from unfit.written_by
      and (not unfit.is_past or ${isPast})
      and not exists (
        select from ${leases} as held
        where held.key = ${entries.key} and held.token is not null
          and (unfit.is_past or held.seen is distinct from ${entries.writtenBy}))
    order by ${byBytes(entries.key)}
    for update of ${sql.identifier(getTableName(entries))} skip locked`)
  return { scanned, invalidated, lockable }
}

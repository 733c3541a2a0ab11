/** Finds entries that a tag rejects. No index has them, so cleanup checks all entries, a part at a time. */

import { getTableName, type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'

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
 * The keys go through an array. Otherwise the planner takes the parts for larger than they are, and reads the whole table.
 *
 * @param part a condition for the entries that are not checked yet
 * @param isToRemove a condition for entries to remove although no tag rejects them
 */
export function invalidatedEntries(db: QueryDatabase, tables: CacheTables, part: SQL, isToRemove: SQL) {
  const { entries, leases } = tables
  const scanned = db.$with('scanned', {}).as(sql`
    select ${entries.key}, ${entries.writtenBy}, (${isToRemove} or ${rejected(tables, tables.entries)}) as is_unfit
    from ${entries} where ${part}
    order by ${entries.key}
    limit ${param('scan', 'int')}`)
  const invalidated = db.$with('unfit', {}).as(sql`
    select key, written_by from scanned where is_unfit
    order by key
    limit ${param('batch', 'int')}`)
  const lockable = db.$with('loose', {}).as(sql`
    select ${entries.key} from ${entries} join unfit on unfit.key = ${entries.key}
    where ${entries.key} = any (array(select key from unfit))
      and ${entries.writtenBy} is not distinct from unfit.written_by
      and not exists (
        select from ${leases} as held
        where held.key = ${entries.key} and held.token is not null and held.seen is distinct from ${entries.writtenBy})
    order by ${entries.key}
    for update of ${sql.identifier(getTableName(entries))} skip locked`)
  return { scanned, invalidated, lockable }
}

/** How cleanup finds entries that a tag rejects: there is no index for them, so it looks through all, a part at a time. */

import { getTableName, type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'

/**
 * The CTEs `scanned`: the next `scan` entries in key order; `unfit`: those to be removed, at most `batch`; `loose`: those
 * of them that are locked now; and `reach`: how far this has come.
 *
 * An entry whose key is being computed goes too, unless it was written since the claim: a fill must see that somebody
 * wrote meanwhile. Only the very version that was judged is removed, and a locked row is skipped.
 *
 * Keys go through an array, because the planner takes the parts for larger than they are, and would read the whole table.
 *
 * @param part which entries are still to be looked at
 * @param isUnfit what is to be removed, on top of what a tag rejects
 */
export function unfitEntries(db: QueryDatabase, tables: CacheTables, part: SQL, isUnfit: SQL) {
  const { entries, leases } = tables
  const scanned = db.$with('scanned', {}).as(sql`
    select ${entries.key}, ${entries.writtenBy}, (${isUnfit} or ${rejected(tables, tables.entries)}) as is_unfit
    from ${entries} where ${part}
    order by ${entries.key}
    limit ${param('scan', 'int')}`)
  const unfit = db.$with('unfit', {}).as(sql`
    select key, written_by from scanned where is_unfit
    order by key
    limit ${param('batch', 'int')}`)
  const loose = db.$with('loose', {}).as(sql`
    select ${entries.key} from ${entries} join unfit on unfit.key = ${entries.key}
    where ${entries.key} = any (array(select key from unfit))
      and ${entries.writtenBy} is not distinct from unfit.written_by
      and not exists (
        select from ${leases} as held
        where held.key = ${entries.key} and held.token is not null and held.seen is distinct from ${entries.writtenBy})
    order by ${entries.key}
    for update of ${sql.identifier(getTableName(entries))} skip locked`)
  return { scanned, unfit, loose }
}

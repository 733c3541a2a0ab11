/** The part of a read that reports to first tiers which keys and tags changed since their last read. */

import { isHidden } from '../../schema/rejected.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import type { Change, Changes } from '../../store/changes.ts'
import { json, type Kind } from '../kinds.ts'
import { param } from './fragments.ts'
import { historyName, trustedSnapshot } from './history.ts'

/**
 * The name of a row of `cache_state`. It holds the log's horizon, and the oldest transaction that ran when a cleanup
 * noted it.
 */
export const CHANGES_STATE = 'changes'

/** The kind of column that {@link changesSince} returns. */
export const changes: Kind<Changes> = json((value): value is Changes => {
  const { cursor, history, isGap, changed } = Object(value)
  const isPosition = (cursor === null || typeof cursor === 'string') && typeof history === 'string'
  return isPosition && typeof isGap === 'boolean' && Array.isArray(changed) && changed.every(isChange)
})

function isChange(value: unknown): value is Change {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}

/** Beyond this many changes, it is cheaper to drop all copies. */
const MAX_CHANGES = 500

/**
 * Selects the changes that committed after the parameter `since`, as JSON.
 *
 * - `cursor`: this statement's snapshot, which the next read passes as `since`. Null on a standby.
 * - `history`: the history that the cursor belongs to. A `since` from another history means nothing.
 * - `changed`: pairs of kind and name.
 * - `isGap`: true if the changes are not known, because they are too many, were trimmed, or row-level security may hide
 *   them.
 *
 * It compares snapshots, because transactions do not commit in the order of their ids.
 */
export function changesSince(tables: TableNames): Sql {
  const { changes, state } = tables
  const since = param('since', 'pg_snapshot')
  const horizon = sql`(select (h.value::jsonb ->> 'horizon')::xid8 from ${state} as h where h.name = ${raw(`'${CHANGES_STATE}'`)})`
  return sql`(
    select json_build_object(
      'cursor', ${trustedSnapshot}::text,
      'history', ${historyName(tables)},
      'isGap', coalesce(pg_snapshot_xmin(${since}) < ${horizon}, false) or count(*) > ${MAX_CHANGES}
        or ${isHidden(changes, state)},
      'changed', coalesce(json_agg(json_build_array(news.kind, news.name)), '[]'))
    from (
      select distinct ${changes.kind}, ${changes.name} from ${changes}
      where ${changes.xid} >= pg_snapshot_xmin(${since}) and not pg_visible_in_snapshot(${changes.xid}, ${since})
      limit ${MAX_CHANGES + 1}
    ) as news)`
}

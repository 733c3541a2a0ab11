/** What first tiers are told with what they read: which keys and tags were changed since they last asked. */

import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { isHidden } from '../../schema/rejected.ts'
import type { Change, Changes } from '../../store/changes.ts'
import { json, type Kind } from '../kinds.ts'
import { param } from './fragments.ts'

/** A row of `cache_state`: up to which transaction the log was trimmed, and which was the oldest when that was noted. */
export const CHANGES_STATE = 'changes'

/** What {@link changesSince} answers with. */
export const changes: Kind<Changes> = json((value): value is Changes => {
  const { cursor, isGap, changed } = Object(value)
  return typeof cursor === 'string' && typeof isGap === 'boolean' && Array.isArray(changed) && changed.every(isChange)
})

function isChange(value: unknown): value is Change {
  return Array.isArray(value) && value.length === 2 && value.every((part) => typeof part === 'string')
}

/** More than this, and it is cheaper to forget everything. */
const MAX_CHANGES = 500

/**
 * As JSON: `cursor`, this statement's snapshot, to be asked with next; `changed`, pairs of kind and name, of what
 * committed between the parameter `since` and that; `isGap` where that is not known: it is too much, was trimmed,
 * or row-level security may hide it.
 *
 * By snapshots, because transactions do not commit in the order of their ids.
 */
export function changesSince(tables: CacheTables): SQL {
  const { changes, state } = tables
  const since = sql`${param('since', 'pg_snapshot')}`
  const horizon = sql`(select (h.value::jsonb ->> 'horizon')::xid8 from ${state} as h where h.name = ${sql.raw(`'${CHANGES_STATE}'`)})`
  return sql`(
    select json_build_object(
      'cursor', pg_current_snapshot()::text,
      'isGap', coalesce(pg_snapshot_xmin(${since}) < ${horizon}, false) or count(*) > ${sql.raw(String(MAX_CHANGES))}
        or ${isHidden(tables, [changes, state])},
      'changed', coalesce(json_agg(json_build_array(news.kind, news.name)), '[]'))
    from (
      select distinct ${changes.kind}, ${changes.name} from ${changes}
      where ${changes.xid} >= pg_snapshot_xmin(${since}) and not pg_visible_in_snapshot(${changes.xid}, ${since})
      limit ${sql.raw(String(MAX_CHANGES + 1))}
    ) as news)`
}

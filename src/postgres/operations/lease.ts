/**
 * The rules for every statement that changes a lease.
 *
 * Every statement locks leases before entries, and both in key order, so that no two statements can deadlock. No
 * statement deletes a lease while a statement with an older snapshot may still run. Otherwise the older statement would
 * find no lease, and its caller would compute again.
 */

import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { cte } from '../operation.ts'
import { param } from './fragments.ts'
import { isFromFuture } from './history.ts'

/**
 * Frees a lease. The holder no longer finds its token. `xid` shows statements with an older snapshot that the lease
 * changed.
 */
export const freed: Sql = sql`token = null, xid = pg_current_xact_id(), expires_at = statement_timestamp(), cleanup_slot = ${cleanupSlot(sql`statement_timestamp()`)}`

/**
 * Builds the CTE `broken`, which breaks the leases of keys, and inserts a row for each key without a lease. A claim
 * that arrives before this transaction ends waits for that row. So it computes nothing from data that this transaction
 * is about to change.
 *
 * `raced` is true if a lease changed since this statement's snapshot. If a fill changed it, there is an entry that this
 * statement cannot see, so a removal must be sent again. One repetition is enough, because no earlier claim still
 * stands.
 *
 * @param keys a query of one column, `key`, distinct
 * @param exceptToken an expression for a token or null; a lease with this token stays; default: every lease is broken
 */
export function breakLeases({ leases }: TableNames, keys: Sql, exceptToken?: Sql) {
  // `on conflict` judges the newest version of the row, not the version in the snapshot. So the lease stays only if the
  // token still holds it.
  const others = exceptToken
    ? sql`where ${exceptToken} is null or ${leases.token} is distinct from ${exceptToken}`
    : sql``
  const broken = cte('broken')`
    insert into ${leases} (key, xid, expires_at, cleanup_slot)
    select item.key, pg_current_xact_id(), statement_timestamp(), ${cleanupSlot(sql`statement_timestamp()`)} from (${keys}) as item
    order by item.key collate "C"
    on conflict (key) do update set ${freed}, seen = ${leases.xid} ${others}
    returning key, seen`
  const raced = sql`exists (
    select from broken
    where broken.seen is distinct from (select before.xid from ${leases} as before where before.key = broken.key))`
  return { broken, raced }
}

/** The token of a hit-for-miss lease. Nobody holds this lease, and requests do not wait for it. */
export const HIT_FOR_MISS: Sql = raw(`'pass'`)

/**
 * Builds the token of a lease during the back-off after a failed refresh. Nobody holds this lease. Like a client's
 * token, it ends in the length of the lease.
 */
export function backoffToken(ms: Sql): Sql {
  return sql`'backoff-' || lpad(to_hex(ceil(${ms})::bigint), 12, '0')`
}

/** True for a {@link backoffToken}. */
export function isBackoff(token: Sql): Sql {
  return sql`coalesce(${token} like 'backoff-%', false)`
}

/**
 * Selects the key's lease if a response may be stored under it. Either the client's token holds the lease, or the lease
 * is hit-for-miss and has not changed since the snapshot `passedAt`. A snapshot from the future proves nothing.
 */
export function fencingLease(tables: TableNames): Sql {
  const { key, token, xid } = tables.leases
  return sql`${key} = ${param('key')} and (${token} = ${param('token')}
    or (${token} = ${HIT_FOR_MISS} and coalesce(pg_visible_in_snapshot(${xid}, ${hitForMissSnapshot}) and not ${isFromFuture(hitForMissSnapshot)}, false)))`
}

/** Returns a snapshot. The handler's response is computed from data that is no older. */
export function fencedSince({ leases }: TableNames): Sql {
  return sql`coalesce(${hitForMissSnapshot}, ${leases.claimedAt})`
}

/**
 * True if the entry is still the one that the request read.
 *
 * @param seen a column of the lease: the entry's `written_by` when the lease was claimed
 */
export function isUnchanged({ entries }: TableNames, seen: Sql): Sql {
  return sql`case
    when ${hitForMissSnapshot} is null then ${entries.writtenBy} is not distinct from ${seen}
    else pg_visible_in_snapshot(${entries.writtenBy}, ${hitForMissSnapshot})
  end`
}

/**
 * The snapshot of the read of a hit-for-miss request, which holds no lease. Null for a request that holds the lease.
 */
export const hitForMissSnapshot: Sql = param('passedAt', 'pg_snapshot')

/** Selects the key's lease if the client's token holds it. */
export function heldLease({ leases }: TableNames): Sql {
  return sql`${leases.key} = ${param('key')} and ${leases.token} = ${param('token')}`
}

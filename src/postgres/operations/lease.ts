/**
 * The rules for every statement that changes a lease.
 *
 * Every statement locks leases before entries, and both in key order, so that no two statements can deadlock. No statement
 * deletes a lease while another with an older snapshot may still run: that one would find no lease, and compute again.
 */

import { type SQL, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'
import { isFromFuture } from './history.ts'

/** Frees a lease. The holder finds its token gone, and `xid` shows statements with an older snapshot that it changed. */
export const freed: SQL = sql`token = null, xid = pg_current_xact_id(), expires_at = statement_timestamp(), cleanup_slot = ${cleanupSlot(sql`statement_timestamp()`)}`

/**
 * The CTE `broken`, which breaks the leases of keys, and inserts a row for each key without one. A claim that comes before
 * this transaction ends waits at that row, so it computes nothing from data that this transaction is about to change.
 *
 * `raced` is true if a lease changed since this statement's snapshot. If a fill changed it, there is an entry that this
 * statement cannot see, so a removal must be sent again. Once is enough, because no earlier claim still stands.
 *
 * @param keys a query of one column, `key`, distinct
 * @param exceptToken an expression for the token of the one lease that stays, or for null; default none
 */
export function breakLeases(db: QueryDatabase, { leases }: CacheTables, keys: SQL, exceptToken?: SQL) {
  // `on conflict` judges the newest version of the row, not the snapshot's: the lease stays only if the token still holds it.
  const others = sql`where ${exceptToken} is null or ${leases.token} is distinct from ${exceptToken}`
  const broken = db.$with('broken', {}).as(sql`
    insert into ${leases} (key, xid, expires_at, cleanup_slot)
    select item.key, pg_current_xact_id(), statement_timestamp(), ${cleanupSlot(sql`statement_timestamp()`)} from (${keys}) as item
    order by item.key collate "C"
    on conflict (key) do update set ${freed}, seen = ${leases.xid} ${exceptToken && others}
    returning key, seen`)
  const raced = sql`exists (
    select from broken
    where broken.seen is distinct from (select before.xid from ${leases} as before where before.key = broken.key))`
  return { broken, raced }
}

/** The token of a lease that nobody holds, and that requests pass by without waiting. */
export const PASS: SQL = sql.raw(`'pass'`)

/**
 * The lease of one key under which a response may be stored. Either the client's token holds it, or it was passed by since
 * before the snapshot `passedAt` and has not changed since. A snapshot from the future proves nothing.
 */
export function fencingLease(tables: CacheTables): SQL {
  const { key, token, xid } = tables.leases
  return sql`${key} = ${param('key')} and (${token} = ${param('token')}
    or (${token} = ${PASS} and coalesce(pg_visible_in_snapshot(${xid}, ${passedAt}) and not ${isFromFuture(passedAt)}, false)))`
}

/** The handler's response is made of data that is no older than this snapshot. */
export function fencedSince({ leases }: CacheTables): SQL {
  return sql`coalesce(${passedAt}, ${leases.claimedAt})`
}

/**
 * True if the entry is still the one that the request read.
 *
 * @param seen the column of the lease: the entry's `written_by` when the lease was claimed
 */
export function isUnchanged({ entries }: CacheTables, seen: SQL): SQL {
  return sql`case
    when ${passedAt} is null then ${entries.writtenBy} is not distinct from ${seen}
    else pg_visible_in_snapshot(${entries.writtenBy}, ${passedAt})
  end`
}

/** The snapshot with which a request without a lease read. Null for a request that holds the lease. */
export const passedAt: SQL = sql`${param('passedAt', 'pg_snapshot')}`

/** The lease of one key, if the client's token holds it. */
export function heldLease({ leases }: CacheTables): SQL {
  return sql`${leases.key} = ${param('key')} and ${leases.token} = ${param('token')}`
}

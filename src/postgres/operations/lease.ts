/**
 * What every statement that changes a lease does.
 *
 * Leases before entries, in every statement, and each in key order: so no two statements can deadlock. A row is never
 * deleted while a statement may be under way whose snapshot is older: it would find no lease, and compute once more.
 */

import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'

/** A free lease: whoever held it finds its token gone, and `xid` tells an older snapshot that something has happened. */
export const freed: SQL = sql.raw('token = null, xid = pg_current_xact_id(), expires_at = now()')

/**
 * The CTE `broken`: breaks the leases of keys, and leaves a row where there was none. So a claim that comes before this
 * transaction has ended waits for it there, and computes nothing from what it is about to change.
 *
 * `raced`: a lease had changed since this statement's snapshot. If that was a fill, its entry is there, and this
 * statement cannot see it: what removes entries must be sent again. Once is enough, as no claim of before stands now.
 *
 * @param keys a query of one column, `key`, distinct
 */
export function breakLeases(db: QueryDatabase, { leases }: CacheTables, keys: SQL) {
  const broken = db.$with('broken', {}).as(sql`
    insert into ${leases} (key, xid, expires_at)
    select item.key, pg_current_xact_id(), now() from (${keys}) as item
    order by item.key collate "C"
    on conflict (key) do update set ${freed}, seen = ${leases.xid}
    returning key, seen`)
  const raced = sql`exists (
    select from broken left join ${leases} as before on before.key = broken.key
    where broken.seen is distinct from before.xid)`
  return { broken, raced }
}

/** What a lease's token is while nobody waits for the next answer, and nobody holds it. */
export const PASS: SQL = sql.raw(`'pass'`)

/**
 * The lease of one key that a response may be stored under: held under the client's token, or passed on since before the
 * snapshot `passedAt`, and untouched since then.
 */
export function fencingLease(tables: CacheTables): SQL {
  const { key, token, xid } = tables.leases
  return sql`${key} = ${param('key')} and (${token} = ${param('token')}
    or (${token} = ${PASS} and coalesce(pg_visible_in_snapshot(${xid}, ${passedAt}), false)))`
}

/** What the handler's answer was made of is no older than this. */
export function fencedSince({ leases }: CacheTables): SQL {
  return sql`coalesce(${passedAt}, ${leases.claimedAt})`
}

/** When a request without a lease read, as a snapshot; null for one that holds it. */
export const passedAt: SQL = sql`${param('passedAt', 'pg_snapshot')}`

/** The lease of one key, held under the client's token. */
export function heldLease({ leases }: CacheTables): SQL {
  return sql`${leases.key} = ${param('key')} and ${leases.token} = ${param('token')}`
}

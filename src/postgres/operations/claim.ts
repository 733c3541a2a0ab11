import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { milliseconds, param } from './fragments.ts'

/**
 * The steps that take a lease for the parameter `token`, after a CTE `found` with the entry's `written_by`.
 *
 * Whoever does not want it, or finds it held, writes nothing.
 *
 * @param key whose lease, and `wanted`, whether to take it: expressions
 */
export function claimSteps(db: QueryDatabase, tables: CacheTables, { key, wanted }: { key: SQL; wanted: SQL }) {
  const { leases } = tables
  const wish = db.$with('wish', {}).as(sql`select ${key} as key, ${wanted} as wanted`)
  const isTheKeys = sql`${leases.key} = (select key from wish)`
  // Read before anything is locked, so that those who are refused take no transaction id.
  const lease = db.$with('lease', {}).as(sql`
    select ${leases.token}, ${leases.xid}, ${leases.expiresAt} from ${leases}
    where ${isTheKeys} and (select wanted from wish)`)
  // Skips a row that a transaction is changing: whatever it does, it is not free for us.
  const free = db.$with('free', {}).as(sql`
    select from ${leases}
    where ${isTheKeys}
      and (${leases.token} is null or ${leases.expiresAt} <= now() or ${leases.token} = ${param('token')})
    for update skip locked`)
  const claimed = db.$with('claimed', {}).as(claim(tables))
  return {
    ctes: [wish, lease, free, claimed] as const,
    claimed: sql`exists (select from claimed)`,
    /** How long another still holds the lease, as it stood before. */
    heldMs: sql`(
      select extract(epoch from lease.expires_at - now()) * 1000 from lease
      where lease.token <> ${param('token')} and lease.expires_at > now())`,
  }
}

/**
 * Takes the lease: where there is none, or one that is free or has run out, and nobody has changed it since this
 * statement's snapshot. Otherwise the entry may have been filled since, and one has to read again.
 */
function claim({ leases }: CacheTables): SQL {
  return sql`
    insert into ${leases} as held (key, token, claimed_at, seen, xid, expires_at)
    select wish.key, ${param('token')}, pg_current_snapshot(), (select written_by from found),
      pg_current_xact_id(), now() + ${milliseconds('leaseMs')}
    from wish
    where wish.wanted and (not exists (select from lease) or exists (select from free))
    on conflict (key) do update set token = excluded.token, claimed_at = excluded.claimed_at, seen = excluded.seen,
      xid = excluded.xid, expires_at = excluded.expires_at
    where held.token = excluded.token
      or ((held.token is null or held.expires_at <= now()) and held.xid = (select xid from lease))
    returning 1`
}

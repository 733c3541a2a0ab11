import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { cte } from '../operation.ts'
import { milliseconds, param } from './fragments.ts'
import { isBackoff } from './lease.ts'

/**
 * Builds the CTEs that claim a lease for the parameter `token`. They need a CTE `found` with the entry's `written_by`.
 *
 * A caller that does not want the lease, or finds it held, writes nothing.
 *
 * @param key an expression for the lease's key; `wanted` is an expression that is true if the caller wants the lease
 */
export function claimSteps(tables: TableNames, { key, wanted }: { key: Sql; wanted: Sql }) {
  const { leases } = tables
  const wish = cte('wish')`select ${key} as key, ${wanted} as wanted`
  const isOfKey = sql`${leases.key} = (select key from wish)`
  // Read before locking, so that a refused caller takes no transaction id.
  const lease = cte('lease')`
    select ${leases.token}, ${leases.xid}, ${leases.expiresAt} from ${leases}
    where ${isOfKey} and (select wanted from wish)`
  // Skip a row that another transaction is changing, because the lease is not free for this caller in any case.
  const free = cte('free')`
    select from ${leases}
    where ${isOfKey}
      and (${leases.token} is null or ${hasRunOut(leases)} or ${leases.token} = ${param('token')} or ${isBackoff(leases.token)})
    for update skip locked`
  const claimed = cte('claimed')`${claim(tables)}`
  return {
    ctes: [wish, lease, free, claimed] as const,
    claimed: sql`exists (select from claimed)`,
    /** How long another caller still holds the lease, according to this statement's snapshot. */
    heldMs: sql`(
      select extract(epoch from lease.expires_at - statement_timestamp()) * 1000 from lease
      where lease.token <> ${param('token')} and not ${isBackoff(columnsOf('lease').token)} and not ${hasRunOut(columnsOf('lease'))})`,
  }
}

/**
 * Claims the lease if it does not exist. Also claims it if it is free or has run out, unless it changed since this
 * statement's snapshot. If it changed, the entry may have been filled since, so the caller must read again.
 */
function claim({ leases }: TableNames): Sql {
  const expiresAt = sql`(statement_timestamp() + ${milliseconds('leaseMs')})`
  return sql`
    insert into ${leases} as held (key, token, claimed_at, seen, xid, expires_at, cleanup_slot)
    select wish.key, ${param('token')}, pg_current_snapshot(), (select written_by from found),
      pg_current_xact_id(), ${expiresAt}, ${cleanupSlot(expiresAt)}
    from wish
    where wish.wanted and (not exists (select from lease) or exists (select from free))
    on conflict (key) do update set token = excluded.token, claimed_at = excluded.claimed_at, seen = excluded.seen,
      xid = excluded.xid, expires_at = excluded.expires_at, cleanup_slot = excluded.cleanup_slot
    where held.token = excluded.token
      or ((held.token is null or ${hasRunOut(columnsOf('held'))} or ${isBackoff(columnsOf('held').token)})
        and held.xid = (select xid from lease))
    returning 1`
}

/** True during the back-off after a failed refresh of the key. */
export function isResting({ leases }: TableNames, key: Sql): Sql {
  return sql`exists (
    select from ${leases} where ${leases.key} = ${key} and ${isBackoff(leases.token)} and not ${hasRunOut(leases)})`
}

/**
 * Matches a token made by `leaseToken` or `backoffToken`. Its last digits are the length of its lease in milliseconds.
 */
const LENGTH = raw(`'^(?:[0-9a-f-]{14}8[0-9a-f-]{9}|backoff-)([0-9a-f]{12})$'`)

/** Running leases count as lost if the clock steps back by more than this. Small corrections stay below it. */
const TOLERANCE_MS = 1_000

interface LeaseColumns {
  readonly token: Sql
  readonly expiresAt: Sql
}

const columnsOf = (name: string): LeaseColumns => ({
  token: raw(`${name}.token`),
  expiresAt: raw(`${name}.expires_at`),
})

/**
 * True if a lease has ended. Also true if more than its whole length is left, because the clock then stepped back since
 * the claim.
 *
 * The second check uses clock_timestamp(). This statement may wait for a lock, and can then see a claim that began
 * after this statement did.
 */
function hasRunOut({ token, expiresAt }: LeaseColumns): Sql {
  const lengthMs = sql`('x' || substring(${token} from ${LENGTH}))::bit(48)::bigint`
  return sql`(${expiresAt} <= statement_timestamp() or coalesce(
    ${expiresAt} > clock_timestamp() + (${lengthMs} + ${TOLERANCE_MS}) * interval '1 millisecond', false))`
}

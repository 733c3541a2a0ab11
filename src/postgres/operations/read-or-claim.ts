import { type SQL, sql } from 'drizzle-orm'
import { rejected } from '../../rejected.ts'
import { type CacheTables, live } from '../../schema.ts'
import { operation, type QueryDatabase } from '../database.ts'
import { milliseconds, param } from './fragments.ts'
import { slide } from './slide.ts'

/**
 * What is stored under the key. `state` is `live`; `stale` where it has expired, but is kept and the caller takes it;
 * `gone` otherwise. `wanted`: somebody should compute it.
 */
function found(tables: CacheTables): SQL {
  const { entries } = tables
  const { key, value, number, expiresAt, keptUntil, computeMs, writtenBy } = entries
  // XFetch: the closer the deadline and the dearer the value, the likelier (Vattani et al., VLDB 2015).
  const isDueEarly = sql`coalesce(
    ${expiresAt} <= now() + ${computeMs} * ${param('early')}::float8 * interval '1 millisecond', false)`
  const isKept = sql`(${keptUntil} is null or ${keptUntil} > now())
    and (${param('staleMs')}::float8 is null or ${expiresAt} + ${milliseconds('staleMs')} > now())
    and not ${rejected(tables, tables.entries)}`
  return sql`
    select entry.*, entry.state <> 'live' or entry.early or ${param('force')}::boolean as wanted
    from (
      select ${key}, ${value}, ${number}, ${writtenBy},
        case when ${live(tables)} then 'live' when ${isKept} then 'stale' else 'gone' end as state,
        ${param('early')}::float8 > 0 and ${isDueEarly} as early
      from ${entries} where ${key} = ${param('key')}::text
    ) as entry`
}

/**
 * Takes the lease: where there is none, or one that is free or has run out, and nobody has changed it since this
 * statement's snapshot. Otherwise the entry may have been filled since, and one has to read again.
 */
function claim({ leases }: CacheTables): SQL {
  return sql`
    insert into ${leases} as held (key, token, claimed_at, seen, xid, expires_at)
    select ${param('key')}::text, ${param('token')}::text, pg_current_snapshot(), (select written_by from found),
      pg_current_xact_id(), now() + ${milliseconds('leaseMs')}
    where (select wanted from wish) and (not exists (select from lease) or exists (select from free))
    on conflict (key) do update set token = excluded.token, claimed_at = excluded.claimed_at, seen = excluded.seen,
      xid = excluded.xid, expires_at = excluded.expires_at
    where held.token = excluded.token
      or ((held.token is null or held.expires_at <= now()) and held.xid = (select xid from lease))
    returning 1`
}

function build(db: QueryDatabase, tables: CacheTables, sliding: boolean) {
  const { leases } = tables
  const entry = db.$with('found', {}).as(found(tables))
  const wish = db.$with('wish', {}).as(sql`select coalesce((select wanted from found), true) as wanted`)
  // Read before anything is locked, so that those who are refused take no transaction id.
  const lease = db.$with('lease', {}).as(sql`
    select ${leases.token}, ${leases.xid}, ${leases.expiresAt} from ${leases}
    where ${leases.key} = ${param('key')}::text and (select wanted from wish)`)
  // Skips a row that a transaction is changing: whatever it does, it is not free for us.
  const free = db.$with('free', {}).as(sql`
    select from ${leases}
    where ${leases.key} = ${param('key')}::text
      and (${leases.token} is null or ${leases.expiresAt} <= now() or ${leases.token} = ${param('token')}::text)
    for update skip locked`)
  const claimed = db.$with('claimed', {}).as(claim(tables))
  const sliders = sliding ? slide(db, tables) : undefined
  return db
    .with(entry, wish, lease, free, claimed, ...(sliders?.ctes ?? []))
    .select({
      value: sql<string | null>`case when found.state <> 'gone' then found.value end`,
      number: sql<string | null>`case when found.state <> 'gone' then found.number::text end`,
      state: sql<'live' | 'stale' | 'gone' | null>`found.state`,
      early: sql<boolean>`coalesce(found.early, false)`,
      claimed: sql<boolean>`exists (select from claimed)`,
      /** Of another's lease, as it stood before. */
      heldMs: sql<number | null>`(
        select extract(epoch from lease.expires_at - now())::float8 * 1000 from lease
        where lease.token <> ${param('token')}::text and lease.expires_at > now())`,
      touched: sliders?.touched ?? sql<boolean>`false`,
    })
    .from(sql`(select) as one left join found on true`)
}

/**
 * Reads an entry, or claims the right to compute it, in one statement.
 *
 * A hit writes nothing, and neither does who finds the lease held. The token is the client's, so that a claim whose
 * answer was lost can be sent again.
 */
export const readOrClaim = operation('always', (db, tables) => build(db, tables, false))

/** The same, and pushes a live entry's deadline out when that is due. */
export const readOrClaimSliding = operation('always', (db, tables) => build(db, tables, true))

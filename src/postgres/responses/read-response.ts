import { rejected } from '../../schema/rejected.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { bool, instant, integer, json, jsonStrings, nullable, number, oneOf, snapshot, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { claimSteps } from '../operations/claim.ts'
import { param } from '../operations/fragments.ts'
import { HIT_FOR_MISS } from '../operations/lease.ts'
import { slide } from '../operations/slide.ts'
import { variantRowKey } from './variant.ts'

export const NO_NAMES = raw(`'[]'::jsonb`)

/**
 * Selects the request's response. Its `state` is `stale` if it is past its deadline but may be served stale or
 * revalidated.
 */
function selectResponse(tables: TableNames): Sql {
  const { entries } = tables
  const { expiresAt, keptUntil, writtenBy } = entries
  const isFresh = sql`(${expiresAt} is null or ${expiresAt} > statement_timestamp())`
  return sql`
    select ${responseColumns(tables)}, ${writtenBy}, case
        when not (${isFresh} or ${keptUntil} is null or ${keptUntil} > statement_timestamp()) then 'gone'
        when ${rejected(tables, entries)} then 'gone'
        when ${isFresh} then 'live'
        else 'stale'
      end as state
    from ${entries} where ${isSelected(tables)}`
}

export function responseColumns({ entries }: TableNames): Sql {
  return sql`${entries.key}, ${entries.value}, ${entries.meta}::jsonb as meta, ${entries.expiresAt}`
}

/** True for the row of the request's variant, if it is a response. */
export function isSelected({ entries }: TableNames): Sql {
  return sql`${entries.key} = (select key from variant) and ${entries.meta}::jsonb ? 'status'`
}

/** True if the client has this response already, so that its body can stay in the database (RFC 9110 13.1). */
const isUnchanged: Sql = sql`case
    when ${param('anyTag', 'boolean')} then true
    when ${param('noneMatch')} is not null then ${param('noneMatch', 'jsonb')} ? (found.meta ->> 'tag')
    else (found.meta ->> 'modifiedAt')::float8 <= ${param('modifiedSince', 'float8')}
  end`

/**
 * Decides which part of the body leaves the database: all of it, none, or the bytes from `first` to `last`.
 *
 * A part moves in base64, because it may begin or end within a character. If the base64 is no shorter than the body,
 * the whole body moves. A body that the codec wrote has no `bytes` in clear, and moves as a whole.
 *
 * `offset 0` keeps the planner from copying these expressions to each place that uses one. A hit then takes half the
 * time. `least` bounds a position before its cast to `int`. A `case` would not, because the planner casts inside any
 * branch.
 */
export const selectNeed: Sql = sql`
  select coalesce(${param('headOnly', 'boolean')}
      or is_ok and (${isUnchanged} or first >= bytes and coalesce(${param('suffix', 'float8')}, 0) = 0), false) as is_none,
    case when is_ok and first <= last and (last - first + 1) * 4 < bytes * 3 then least(first, bytes)::int end as first, last::int,
    found.meta ? 'base64' as is_base64
  from found, lateral (
    select (found.meta ->> 'status')::int = 200 as is_ok,
      case when not found.meta ? 'bodyId' then (found.meta ->> 'bytes')::float8 end as bytes
  ) as stored, lateral (
    select case when ${param('suffix', 'float8')} is null then ${param('first', 'float8')}
        else greatest(bytes - ${param('suffix', 'float8')}, 0) end as first,
      least(${param('last', 'float8')}, bytes - 1) as last
  ) as range
  offset 0`

/**
 * Selects a range of bytes from the stored text. `substr` would count in characters, which takes Postgres ten times as
 * long for a body of 8 MB.
 */
const bytesOf = (from: Sql, count: Sql): Sql =>
  sql`substring(convert_to(found.value, 'UTF8') from ${from} for ${count})`

/**
 * The stored text, or a part of the body in base64. A body that is stored in base64 is cut at multiples of three bytes.
 */
const movedValue: Sql = sql`case
  when need.is_none or found.state = 'gone' then null
  when need.first is null then coalesce(found.value, '')
  when need.is_base64 then convert_from(
    ${bytesOf(sql`need.first / 3 * 4 + 1`, sql`(need.last / 3 - need.first / 3 + 1) * 4`)}, 'UTF8')
  else encode(${bytesOf(sql`need.first + 1`, sql`need.last - need.first + 1`)}, 'base64')
end`

export const PART_OFFSET: Sql = sql`case when need.is_base64 then need.first / 3 * 3 else need.first end`

/** The columns that come from the CTEs `variant`, `found` and `need`. */
export const FOUND = {
  key: sql`variant.key`,
  names: sql`variant.names`,
  state: sql`found.state`,
  meta: sql`found.meta`,
  value: movedValue,
  expiresAt: sql`found.expires_at`,
  now: sql`statement_timestamp()`,
}

const COLUMNS = {
  key: text,
  names: nullable(jsonStrings),
  state: nullable(oneOf('live', 'stale', 'gone')),
  meta: nullable(json((value): value is object => typeof value === 'object' && value !== null)),
  // Null if the body stays in the database.
  value: nullable(text),
  // If set, the value is a part of the body in base64 that starts at this position.
  partOffset: nullable(integer),
  expiresAt: nullable(instant),
  now: instant,
  claimed: bool,
  heldMs: nullable(number),
  // Set while the URL is hit-for-miss: no request waits, and any of them may store a response as of this snapshot.
  hitForMissSnapshot: nullable(snapshot),
  touched: bool,
} as const

/**
 * Reads the request's response among the variants of its URL. If none is fresh, claims the lease. If the response is
 * sliding and its deadline is due, moves the deadline. One statement.
 *
 * `names` is null if nothing is known about the URL. The body, or the part of it that the client does not need, stays
 * in the database.
 */
export const readResponse = operation({
  name: 'read_response',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: COLUMNS,
  build(tables) {
    const { known, variant } = variantSteps(tables)
    const found = cte('found')`${selectResponse(tables)}`
    const need = cte('need')`${selectNeed}`
    const { ctes, claimed, heldMs } = claimSteps(tables, {
      key: sql`(select key from variant)`,
      wanted: sql`${param('claims', 'boolean')}
        and (${param('force', 'boolean')} or coalesce((select found.state <> 'live' from found), true))`,
    })
    const sliders = slide(tables, sql`(select found.meta ? 'sliding' from found)`)
    return {
      with: [known, variant, found, need, ...ctes, ...sliders.ctes],
      select: {
        ...FOUND,
        partOffset: PART_OFFSET,
        claimed,
        heldMs,
        hitForMissSnapshot: sql`(
        select pg_current_snapshot() from lease where lease.token = ${HIT_FOR_MISS} and lease.expires_at > statement_timestamp())`,
        touched: sliders.touched,
      },
      from: sql`variant left join found on true left join need on true`,
    }
  },
})

/** The remaining columns of a statement that claims no lease, looks at none, and moves no deadline. */
export const UNCLAIMED = {
  partOffset: PART_OFFSET,
  claimed: sql`false`,
  heldMs: sql`null`,
  hitForMissSnapshot: sql`null`,
  touched: sql`false`,
}

/** The same read for a database that refuses to write. */
export const readResponseUnclaimed = operation({
  name: 'read_response_unclaimed',
  repeatable: 'always',
  rows: 'one',
  prefersRoutine: true,
  columns: COLUMNS,
  build(tables) {
    const { known, variant } = variantSteps(tables)
    const found = cte('found')`${selectResponse(tables)}`
    const need = cte('need')`${selectNeed}`
    return {
      with: [known, variant, found, need],
      select: { ...FOUND, ...UNCLAIMED },
      from: sql`variant left join found on true left join need on true`,
    }
  },
})

/** The CTEs that find the row of the request's variant. */
export function variantSteps({ entries }: TableNames) {
  return {
    known: cte('known')`
      select ${entries.meta}::jsonb -> 'vary' as names from ${entries} where ${entries.key} = ${param('base')}`,
    variant: cte('variant')`
      select ${variantRowKey(sql`coalesce(known.names, ${NO_NAMES})`)} as key, known.names
      from (select) as one left join known on true`,
  }
}

import { type SQL, sql } from 'drizzle-orm'
import { type CacheTables, live } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import { bool, instant, json, jsonStrings, type Kind, nullable, number, oneOf, snapshot, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { claimSteps } from '../operations/claim.ts'
import { param, textArray } from '../operations/fragments.ts'
import { PASS as HIT_FOR_MISS } from '../operations/lease.ts'
import { slide } from '../operations/slide.ts'
import type { ResponseMeta } from './store.ts'
import { variantRowKey } from './variant.ts'

const NO_NAMES = sql.raw(`'[]'::jsonb`)

const responseMeta: Kind<ResponseMeta> = json((value): value is ResponseMeta => {
  const { status, headers, requestAt, responseAt } = Object(value)
  const isPair = (field: unknown) => Array.isArray(field) && field.length === 2
  return (
    [status, requestAt, responseAt].every((part) => typeof part === 'number') &&
    Array.isArray(headers) &&
    headers.every(isPair)
  )
})

/** Selects the request's response. Its `state` is `stale` if it is past its deadline but may be served stale or revalidated. */
function selectResponse(tables: CacheTables): SQL {
  const { entries } = tables
  const { key, value, meta, expiresAt, keptUntil, writtenBy } = entries
  const isStale = sql`(${keptUntil} is null or ${keptUntil} > now()) and not ${rejected(tables, entries)}`
  return sql`
    select ${key}, ${value}, ${meta}::jsonb as meta, ${expiresAt}, ${writtenBy},
      case when ${live(tables)} then 'live' when ${isStale} then 'stale' else 'gone' end as state
    from ${entries}
    where ${key} = (select key from variant) and ${meta}::jsonb ? 'status'`
}

/** True if the client has this response already, so that its body can stay in the database (RFC 9110 13.1). */
const isUnchanged: SQL = sql`coalesce(
  case
    when ${param('anyTag', 'boolean')} then true
    when ${textArray('noneMatch')} is not null then found.meta ->> 'tag' = any (${textArray('noneMatch')})
    else (found.meta ->> 'modifiedAt')::float8 <= ${param('modifiedSince', 'float8')}
  end and (found.meta ->> 'status')::int = 200, false)`

/**
 * Reads the request's response among the variants of its URL. If none is fresh, claims the lease. If the response is sliding
 * and its deadline is due, moves the deadline. One statement.
 *
 * `names` is null if nothing is known about the URL. The body stays in the database if the client does not need it.
 */
export const readResponse = operation({
  name: 'read_response',
  repeatable: 'always',
  rows: 'one',
  columns: {
    key: text,
    names: nullable(jsonStrings),
    state: nullable(oneOf('live', 'stale', 'gone')),
    meta: nullable(responseMeta),
    hasBody: bool,
    body: nullable(text),
    expiresAt: nullable(instant),
    now: instant,
    claimed: bool,
    heldMs: nullable(number),
    // Set while the URL is hit-for-miss: no request waits, and any of them may store a response as of this snapshot.
    hitForMissSnapshot: nullable(snapshot),
    touched: bool,
  },
  build(db, tables, answer) {
    const { entries } = tables
    const known = db.$with('known', {}).as(sql`
      select ${entries.meta}::jsonb -> 'vary' as names from ${entries} where ${entries.key} = ${param('base')}`)
    const variant = db.$with('variant', {}).as(sql`
      select ${variantRowKey(sql`coalesce(known.names, ${NO_NAMES})`)} as key, known.names
      from (select) as one left join known on true`)
    const found = db.$with('found', {}).as(selectResponse(tables))
    const { ctes, claimed, heldMs } = claimSteps(db, tables, {
      key: sql`(select key from variant)`,
      wanted: sql`${param('claims', 'boolean')}
        and (${param('force', 'boolean')} or coalesce((select found.state <> 'live' from found), true))`,
    })
    const sliders = slide(db, tables, sql`(select found.meta ? 'sliding' from found)`)
    return answer(db.with(known, variant, found, ...ctes, ...sliders.ctes), {
      key: sql`variant.key`,
      names: sql`variant.names`,
      state: sql`found.state`,
      meta: sql`found.meta`,
      hasBody: sql`not (${param('headOnly', 'boolean')} or ${isUnchanged})`,
      body: sql`case
        when found.state <> 'gone' and not (${param('headOnly', 'boolean')} or ${isUnchanged}) then found.value end`,
      expiresAt: sql`found.expires_at`,
      now: sql`now()`,
      claimed,
      heldMs,
      hitForMissSnapshot: sql`(
        select pg_current_snapshot() from lease where lease.token = ${HIT_FOR_MISS} and lease.expires_at > now())`,
      touched: sliders.touched,
    }).from(sql`variant left join found on true`)
  },
})

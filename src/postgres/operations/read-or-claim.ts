import { type SQL, sql } from 'drizzle-orm'
import { rejected } from '../../rejected.ts'
import { type CacheTables, live } from '../../schema.ts'
import { operation, type QueryDatabase } from '../database.ts'
import { changesSince } from './changes.ts'
import { claimSteps } from './claim.ts'
import { milliseconds, param } from './fragments.ts'
import { remainingMs } from './read-copies.ts'
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
      select ${key}, ${value}, ${number}, ${writtenBy}, ${expiresAt}, ${tables.entries.tags},
        case when ${live(tables)} then 'live' when ${isKept} then 'stale' else 'gone' end as state,
        ${param('early')}::float8 > 0 and ${isDueEarly} as early,
        least(${keptUntil}, ${expiresAt} + ${milliseconds('staleMs')}) as servable_until
      from ${entries} where ${key} = ${param('key')}::text
    ) as entry`
}

interface Extras {
  readonly sliding?: boolean
  readonly news?: boolean
}

function build(db: QueryDatabase, tables: CacheTables, { sliding = false, news = false }: Extras) {
  const entry = db.$with('found', {}).as(found(tables))
  const { ctes, claimed, heldMs } = claimSteps(db, tables, {
    key: sql`${param('key')}::text`,
    wanted: sql`coalesce((select wanted from found), true)`,
  })
  const sliders = sliding ? slide(db, tables) : undefined
  return db
    .with(entry, ...ctes, ...(sliders?.ctes ?? []))
    .select({
      value: sql<string | null>`case when found.state <> 'gone' then found.value end`,
      number: sql<string | null>`case when found.state <> 'gone' then found.number::text end`,
      state: sql<'live' | 'stale' | 'gone' | null>`found.state`,
      early: sql<boolean>`coalesce(found.early, false)`,
      servableMs: sql<
        number | null
      >`case when found.state <> 'gone' then ${remainingMs(sql`found.servable_until`)} end`,
      remainingMs: sql<
        number | null
      >`case when ${param('about')}::boolean then ${remainingMs(sql`found.expires_at`)} end`,
      tags: sql<string | null>`case when ${param('about')}::boolean then array_to_json(found.tags)::text end`,
      claimed,
      heldMs,
      touched: sliders?.touched ?? sql<boolean>`false`,
      news: news ? changesSince(tables) : sql<string | null>`null::text`,
    })
    .from(sql`(select) as one left join found on true`)
}

/**
 * Reads an entry, or claims the right to compute it, in one statement.
 *
 * A hit writes nothing, and neither does who finds the lease held. The token is the client's, so that a claim whose
 * answer was lost can be sent again.
 */
export const readOrClaim = operation('always', (db, tables) => build(db, tables, {}))

/** The same, and pushes a live entry's deadline out when that is due. */
export const readOrClaimSliding = operation('always', (db, tables) => build(db, tables, { sliding: true }))

/** Both, with what was changed since the parameter `since`. */
export const readOrClaimWithNews = operation('always', (db, tables) => build(db, tables, { news: true }))
export const readOrClaimSlidingWithNews = operation('always', (db, tables) =>
  build(db, tables, { sliding: true, news: true }),
)

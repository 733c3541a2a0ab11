import { type SQL, sql } from 'drizzle-orm'
import { type CacheTables, live } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import { bool, decimal, nullable, number, oneOf, strings, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { changes, changesSince } from './changes.ts'
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
    ${expiresAt} <= now() + ${computeMs} * ${param('early', 'float8')} * interval '1 millisecond', false)`
  const isKept = sql`(${keptUntil} is null or ${keptUntil} > now())
    and (${param('staleMs', 'float8')} is null or ${expiresAt} + ${milliseconds('staleMs')} > now())
    and not ${rejected(tables, tables.entries)}`
  return sql`
    select entry.*, entry.state <> 'live' or entry.early or ${param('force', 'boolean')} as wanted
    from (
      select ${key}, ${value}, ${number}, ${writtenBy}, ${expiresAt}, ${tables.entries.tags},
        case when ${live(tables)} then 'live' when ${isKept} then 'stale' else 'gone' end as state,
        ${param('early', 'float8')} > 0 and ${isDueEarly} as early,
        least(${keptUntil}, ${expiresAt} + ${milliseconds('staleMs')}) as servable_until
      from ${entries} where ${key} = ${param('key')}
    ) as entry`
}

interface Extras {
  readonly sliding?: boolean
  readonly changes?: boolean
}

/** One statement of the four: what is not wanted, it does not do. */
function claiming(name: string, { sliding = false, changes: withChanges = false }: Extras) {
  return operation({
    name,
    repeatable: 'always',
    rows: 'one',
    columns: {
      value: nullable(text),
      number: nullable(decimal),
      state: nullable(oneOf('live', 'stale', 'gone')),
      early: bool,
      servableMs: nullable(number),
      remainingMs: nullable(number),
      tags: nullable(strings),
      claimed: bool,
      heldMs: nullable(number),
      touched: bool,
      changes: nullable(changes),
    },
    build(db, tables, answer) {
      const entry = db.$with('found', {}).as(found(tables))
      const { ctes, claimed, heldMs } = claimSteps(db, tables, {
        key: param('key'),
        wanted: sql`coalesce((select wanted from found), true)`,
      })
      const sliders = sliding ? slide(db, tables) : undefined
      const isForCopy = param('forCopy', 'boolean')
      return answer(db.with(entry, ...ctes, ...(sliders?.ctes ?? [])), {
        value: sql`case when found.state <> 'gone' then found.value end`,
        number: sql`case when found.state <> 'gone' then found.number end`,
        state: sql`found.state`,
        early: sql`coalesce(found.early, false)`,
        servableMs: sql`case when found.state <> 'gone' then ${remainingMs(sql`found.servable_until`)} end`,
        remainingMs: sql`case when ${isForCopy} then ${remainingMs(sql`found.expires_at`)} end`,
        tags: sql`case when ${isForCopy} then found.tags end`,
        claimed,
        heldMs,
        touched: sliders?.touched ?? sql`false`,
        changes: withChanges ? changesSince(tables) : sql`null`,
      }).from(sql`(select) as one left join found on true`)
    },
  })
}

/**
 * Reads an entry, or claims the right to compute it, in one statement.
 *
 * A hit writes nothing, and neither does who finds the lease held. The token is the client's, so that a claim whose
 * answer was lost can be sent again.
 */
export const readOrClaim = claiming('read_or_claim', {})

/** The same, and pushes a live entry's deadline out when that is due. */
export const readOrClaimSliding = claiming('read_or_claim_sliding', { sliding: true })

/** Both, with what was changed since the parameter `since`. */
export const readOrClaimWithChanges = claiming('read_or_claim_with_changes', { changes: true })
export const readOrClaimSlidingWithChanges = claiming('read_or_claim_sliding_with_changes', {
  sliding: true,
  changes: true,
})

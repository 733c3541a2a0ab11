import { type SQL, sql } from 'drizzle-orm'
import type { CacheTables } from '../../schema/index.ts'
import { rejected } from '../../schema/rejected.ts'
import { bool, decimal, nullable, number, oneOf, strings, text } from '../kinds.ts'
import { operation } from '../operation.ts'
import { changes, changesSince } from './changes.ts'
import { claimSteps, isResting } from './claim.ts'
import { milliseconds, param } from './fragments.ts'
import { FOUND_OR_NOT, remainingMs } from './read-copies.ts'
import { slide } from './slide.ts'

/** XFetch (Vattani et al., VLDB 2015): more likely the closer the deadline is and the longer the value takes to compute. */
export function isDueEarly({ entries: { expiresAt, computeMs } }: CacheTables): SQL {
  return sql`(${param('early', 'float8')} > 0 and coalesce(
    ${expiresAt} <= statement_timestamp() + ${computeMs} * ${param('early', 'float8')} * interval '1 millisecond', false))`
}

/** Until when the entry may be served stale. Null means for ever. */
export function servableUntil({ entries: { expiresAt, keptUntil } }: CacheTables): SQL {
  return sql`least(${keptUntil}, ${expiresAt} + ${milliseconds('staleMs')})`
}

/**
 * The entry of the key. `state` is `live`; `stale` if it expired, but may still be served and the caller accepts that; or
 * `gone`. `wanted` is true if the value should be computed. If it can be served, that waits for the end of a back-off.
 */
function found(tables: CacheTables): SQL {
  const { entries } = tables
  const { key, value, number, expiresAt, keptUntil, writtenBy } = entries
  const isFresh = sql`(${expiresAt} is null or ${expiresAt} > statement_timestamp())`
  const isServable = sql`((${keptUntil} is null or ${keptUntil} > statement_timestamp())
    and (${param('staleMs', 'float8')} is null or ${expiresAt} + ${milliseconds('staleMs')} > statement_timestamp()))`
  return sql`
    select entry.*, case
        when entry.state = 'gone' or ${param('force', 'boolean')} then true
        when entry.state = 'live' and not entry.early then false
        else not ${isResting(tables, param('key'))}
      end as wanted
    from (
      select ${key}, ${value}, ${number}, ${writtenBy}, ${expiresAt}, ${tables.entries.tags}, case
          when not (${isFresh} or ${isServable}) then 'gone'
          when ${rejected(tables, entries)} then 'gone'
          when ${isFresh} then 'live'
          else 'stale'
        end as state,
        ${isDueEarly(tables)} as early, ${servableUntil(tables)} as servable_until
      from ${entries} where ${key} = ${param('key')}
    ) as entry`
}

export interface Extras {
  readonly sliding?: boolean
  readonly changes?: boolean
}

const COLUMNS = {
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
} as const

/** The columns that come from the CTE `found`. */
function foundColumns() {
  const isForCopy = param('forCopy', 'boolean')
  return {
    value: sql`case when found.state <> 'gone' then found.value end`,
    number: sql`case when found.state <> 'gone' then found.number end`,
    state: sql`found.state`,
    early: sql`coalesce(found.early, false)`,
    servableMs: sql`case when found.state <> 'gone' then ${remainingMs(sql`found.servable_until`)} end`,
    remainingMs: sql`case when ${isForCopy} then ${remainingMs(sql`found.expires_at`)} end`,
    tags: sql`case when ${isForCopy} then found.tags end`,
  }
}

/** One of the four statements. Each does only what its name says, so that no call pays for another's needs. */
function claiming(name: string, { sliding = false, changes: hasChanges = false }: Extras) {
  return operation({
    name,
    repeatable: 'always',
    rows: 'one',
    prefersRoutine: true,
    columns: COLUMNS,
    build(db, tables, answer) {
      const entry = db.$with('found', {}).as(found(tables))
      const { ctes, claimed, heldMs } = claimSteps(db, tables, {
        key: param('key'),
        wanted: sql`coalesce((select wanted from found), true)`,
      })
      const sliders = sliding ? slide(db, tables) : undefined
      return answer(db.with(entry, ...ctes, ...(sliders?.ctes ?? [])), {
        ...foundColumns(),
        claimed,
        heldMs,
        touched: sliders?.touched ?? sql`false`,
        changes: hasChanges ? changesSince(tables) : sql`null`,
      }).from(FOUND_OR_NOT)
    },
  })
}

/**
 * Reads an entry, or claims the right to compute it, in one statement.
 *
 * A hit writes nothing, and neither does a caller that finds the lease held. The client makes the token, so that it can
 * repeat a claim whose answer was lost.
 */
export const readOrClaim = claiming('read_or_claim', {})

/** The same. Also pushes a live entry's deadline out if that is due. */
export const readOrClaimSliding = claiming('read_or_claim_sliding', { sliding: true })

/** Both, with the changes since the parameter `since`. */
export const readOrClaimWithChanges = claiming('read_or_claim_with_changes', { changes: true })
export const readOrClaimSlidingWithChanges = claiming('read_or_claim_sliding_with_changes', {
  sliding: true,
  changes: true,
})

/** The same read for a database that refuses to write. It claims nothing and looks at no lease, which the role may not read. */
function unclaimed(name: string, { changes: hasChanges = false }: Pick<Extras, 'changes'>) {
  return operation({
    name,
    repeatable: 'always',
    rows: 'one',
    // Its success also shows that the role may call routines. Otherwise each refused claim would be sent inline as well.
    prefersRoutine: true,
    columns: COLUMNS,
    build(db, tables, answer) {
      const entry = db.$with('found', {}).as(found(tables))
      return answer(db.with(entry), {
        ...foundColumns(),
        claimed: sql`false`,
        heldMs: sql`null`,
        touched: sql`false`,
        changes: hasChanges ? changesSince(tables) : sql`null`,
      }).from(FOUND_OR_NOT)
    },
  })
}

export const readUnclaimed = unclaimed('read_unclaimed', {})
export const readUnclaimedWithChanges = unclaimed('read_unclaimed_with_changes', { changes: true })

import { rejected } from '../../schema/rejected.ts'
import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { bool, decimal, nullable, number, oneOf, strings, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { changes, changesSince } from './changes.ts'
import { claimSteps, isResting } from './claim.ts'
import { milliseconds, param } from './fragments.ts'
import { FOUND_OR_NOT, remainingMs } from './read-copies.ts'
import { slide } from './slide.ts'

/**
 * True if an early refresh is due, by XFetch (Vattani et al., VLDB 2015). It is more likely the closer the deadline is,
 * and the longer the value takes to compute.
 */
export function isDueEarly({ entries: { expiresAt, computeMs } }: TableNames): Sql {
  return sql`(${param('early', 'float8')} > 0 and coalesce(
    ${expiresAt} <= statement_timestamp() + ${computeMs} * ${param('early', 'float8')} * interval '1 millisecond', false))`
}

/** Returns the instant until which the entry may be served stale. Null means forever. */
export function servableUntil({ entries: { expiresAt, keptUntil } }: TableNames): Sql {
  return sql`least(${keptUntil}, ${expiresAt} + ${milliseconds('staleMs')})`
}

/**
 * Selects the key's entry. `state` is `live`, `stale` or `gone`. A stale entry has expired, but may still be served,
 * and the caller accepts that. `wanted` is true if the value should be computed. If the entry can be served, `wanted`
 * is false during a back-off.
 */
function found(tables: TableNames): Sql {
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

/**
 * Declares one of the four statements. Each does only the work in its name, so that no call pays for work that it does
 * not need.
 */
function claimOperation(name: string, { sliding = false, changes: hasChanges = false }: Extras) {
  return operation({
    name,
    repeatable: 'always',
    rows: 'one',
    prefersRoutine: true,
    columns: COLUMNS,
    build(tables) {
      const entry = cte('found')`${found(tables)}`
      const { ctes, claimed, heldMs } = claimSteps(tables, {
        key: param('key'),
        wanted: sql`coalesce((select wanted from found), true)`,
      })
      const sliders = sliding ? slide(tables) : undefined
      return {
        with: [entry, ...ctes, ...(sliders?.ctes ?? [])],
        select: {
          ...foundColumns(),
          claimed,
          heldMs,
          touched: sliders?.touched ?? sql`false`,
          changes: hasChanges ? changesSince(tables) : sql`null`,
        },
        from: FOUND_OR_NOT,
      }
    },
  })
}

/**
 * Reads an entry, or claims the right to compute it, in one statement.
 *
 * A hit writes nothing, and neither does a caller that finds the lease held. The client makes the token, so that it can
 * repeat a claim whose answer was lost.
 */
export const readOrClaim = claimOperation('read_or_claim', {})

/** The same. Also moves a live entry's deadline if the move is due. */
export const readOrClaimSliding = claimOperation('read_or_claim_sliding', { sliding: true })

/** The two statements above, with the changes since the parameter `since`. */
export const readOrClaimWithChanges = claimOperation('read_or_claim_with_changes', { changes: true })
export const readOrClaimSlidingWithChanges = claimOperation('read_or_claim_sliding_with_changes', {
  sliding: true,
  changes: true,
})

/**
 * Declares the same read for a database that refuses to write. It claims nothing. It reads no lease either, because the
 * role may not be allowed to.
 */
function unclaimedOperation(name: string, { changes: hasChanges = false }: Pick<Extras, 'changes'>) {
  return operation({
    name,
    repeatable: 'always',
    rows: 'one',
    // Its success also shows that the role may call routines. Otherwise each refused claim would also be sent inline.
    prefersRoutine: true,
    columns: COLUMNS,
    build(tables) {
      const entry = cte('found')`${found(tables)}`
      return {
        with: [entry],
        select: {
          ...foundColumns(),
          claimed: sql`false`,
          heldMs: sql`null`,
          touched: sql`false`,
          changes: hasChanges ? changesSince(tables) : sql`null`,
        },
        from: FOUND_OR_NOT,
      }
    },
  })
}

export const readUnclaimed = unclaimedOperation('read_unclaimed', {})
export const readUnclaimedWithChanges = unclaimedOperation('read_unclaimed_with_changes', { changes: true })

/**
 * The statements of `limit`. `src/store/limits.ts` explains the number and the deadline of each algorithm, and makes
 * the same decisions.
 *
 * Each statement updates the row even if it refuses the call. Rejected: an update with a condition and a separate read,
 * because they would lose races. The row itself must say whether the call was refused, because before Postgres 18
 * `returning` shows only the new row. So `compute_ms` is 0 after a refusal, and null otherwise.
 */
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { MAX_REFILL_MS, PREVIOUS_DIGITS } from '../../store/limits.ts'
import { cte, operation } from '../operation.ts'
import { keptUntilExpired, liveWhenLocked, milliseconds, param, recheckedAt } from './fragments.ts'
import { COUNTER_COLUMNS, counterColumns } from './read-counter.ts'

const cost = param('cost', 'numeric')
const cap = param('cap', 'numeric')
const period = milliseconds('periodMs')
/** Cast to `numeric`, which is exact. With `float8`, the number of refills could be rounded up. */
const periodMs = param('periodMs', 'numeric')
const PREVIOUS_UNIT = raw(`1e${PREVIOUS_DIGITS}::numeric`)
const PREVIOUS_SHARE = raw(`1e-${PREVIOUS_DIGITS}::numeric`)

/** The columns that come from the CTE `counted`. */
export const COUNTED = counterColumns(
  { number: sql`counted.number`, expiresAt: sql`counted.expires_at` },
  sql`counted.compute_ms is null`,
)

/** True if the limit has room for this call in addition to the `used` calls. Giving back always succeeds. */
export function fits(used: Sql): Sql {
  return sql`(${used} + ${cost} < ${cap} or ${cost} < 0)`
}

/**
 * Returns the calls in a fixed window after this one. Refused calls were counted too, but they cannot be given back.
 */
export function afterCall(used: Sql): Sql {
  return sql`greatest(case when ${cost} < 0 then least(${used}, ${cap} - 1) else ${used} end + ${cost}, 0)`
}

/** How an algorithm counts. */
interface Counting {
  readonly name: string
  /** True if the routine has cheaper statements for usual cases. */
  readonly prefersRoutine?: boolean
  /** The interval for which the counter of a first call lives. */
  readonly life: Sql
  /**
   * Builds a query of one row: `running`, `fits`, and the counter's new `number`, `expires_at`, `kept_until` and
   * `begun_at`. If the call does not fit, the row keeps its values, except that a deadline too far in the future is
   * bounded.
   *
   * @param running true if the entry is a live counter
   */
  next(tables: TableNames, running: Sql): Sql
}

/**
 * Declares a statement that counts a call. It returns no row if the entry does not hold a number. The cost of the call
 * must not be 0, and must not exceed the limit.
 *
 * A call that gives back and finds no counter leaves an expired counter.
 */
function countOperation({ name, prefersRoutine = false, life, next }: Counting) {
  return operation({
    name,
    repeatable: 'unsent',
    rows: 'at most one',
    prefersRoutine,
    columns: COUNTER_COLUMNS,
    build(tables) {
      const { entries } = tables
      const running = sql`${liveWhenLocked(tables)} and ${entries.number} is not null`
      const counted = cte('counted')`
        insert into ${entries} (key, number, expires_at, kept_until, cleanup_slot, written_by)
        select ${param('key')}, greatest(${cost}, 0), given.expires_at, ${keptUntilExpired}, pg_current_xact_id()
        from (
          select case when ${cost} > 0 then statement_timestamp() + ${life} else timestamptz 'epoch' end as expires_at
        ) as given
        on conflict (key) do update
        set value = null,
          (number, expires_at, kept_until, cleanup_slot, compute_ms, tags, filled_at, created_at, updated_at, meta, written_by) = (
          select n.number, n.expires_at, n.kept_until,
            case when n.kept_until is not distinct from ${entries.keptUntil} then ${entries.cleanupSlot} else ${cleanupSlot(sql`n.kept_until`)} end,
            case when not n.fits then 0 end,
            case when n.running then ${entries.tags} end,
            case when n.running then ${recheckedAt(tables)} end,
            n.begun_at,
            case when n.changed then statement_timestamp() else ${entries.updatedAt} end,
            case when not n.changed then ${entries.meta} end,
            case when n.changed then excluded.written_by else ${entries.writtenBy} end
          from (select m.*, m.fits or not m.running or m.number <> ${entries.number} as changed from (${next(tables, running)}) as m) as n
        )
        where ${entries.value} is null or not ${liveWhenLocked(tables)}
        returning ${entries.number}, ${entries.expiresAt}, ${entries.computeMs}`
      return { with: [counted], select: COUNTED, from: sql`counted` }
    },
  })
}

/**
 * Counts a call in a fixed window.
 *
 * A permanent counter has no window yet and gets one. If the clock stepped back, the window ends a period from now at
 * the latest.
 */
export const countCall = countOperation({
  name: 'count_call',
  prefersRoutine: true,
  life: period,
  next: (tables, running) => {
    const { entries } = tables
    const { expiresAt, keptUntil, createdAt } = entries
    return sql`
      select w.running, w.fits,
        case when w.fits or not w.running then ${afterCall(sql`w.used`)} when ${cost} = 1 then ${cap} else ${entries.number} end as number,
        case when w.running then least(coalesce(${expiresAt}, w.ends), w.latest) else excluded.expires_at end as expires_at,
        case
          when not w.running then excluded.expires_at
          when ${expiresAt} is null then least(w.ends, w.latest)
          else least(${keptUntil}, w.latest)
        end as kept_until,
        case when w.running and w.latest is null then ${createdAt} else statement_timestamp() end as begun_at
      from (
        select u.*, ${fits(sql`u.used`)} as fits
        from (
          select s.*, case when s.running then ${calls(tables)} else 0 end as used, statement_timestamp() + ${period} as ends,
            case when not ${hasBegun(tables)} then statement_timestamp() + ${period} end as latest
          from (select ${running} as running) as s
        ) as u
      ) as w`
  },
})

/** Counts a call in a sliding window. A window begins now if no earlier call counts any more. */
export const countSliding = countOperation({
  name: 'count_sliding',
  life: sql`2 * ${period}`,
  next: (tables, running) => {
    const { entries } = tables
    return sql`
      select w.running, w.fits,
        case
          when w.fits then greatest(w.calls, 0) + greatest(w.previous + least(w.calls, 0), 0) * ${PREVIOUS_SHARE}
          else ${entries.number}
        end as number,
        ${movedColumns(tables, sql`w.ends + ${period}`)}
      from (
        select v.*, v.current + ${cost} as calls
        from (
          select u.running, u.at, ${fits(sql`u.used`)} as fits, u.used > 0 or ${cost} > 0 as counts,
            u.at + 2 * ${period} as furthest,
            case when u.used > 0 then u.current else 0 end as current,
            case when u.used > 0 then u.previous else 0 end as previous,
            case when u.used > 0 then u.ends else u.at + ${period} end as ends
          from (${slidingWindow(tables, running)}) as u
        ) as v
      ) as w`
  },
})

/**
 * Selects the present windows of a counter: the calls in each, `current` and `previous`, and the end of the current
 * window. `used` is the number of calls that count in total.
 */
function slidingWindow(tables: TableNames, running: Sql): Sql {
  const { entries } = tables
  const most = sql`${cap} - 1`
  const fraction = sql`floor((${entries.number} - floor(${entries.number})) * ${PREVIOUS_UNIT})`
  return sql`
    select t.*, case when t.running
        then floor(t.previous * greatest(extract(epoch from t.ends - t.at), 0)::numeric * 1000 / ${periodMs}) + t.current
        else 0
      end as used
    from (
      select s.running, s.at, case when s.ends > s.at then s.ends else s.ends + ${period} end as ends,
        case when s.ends > s.at then ${calls(tables)} else 0 end as current,
        least(case when s.ends <= s.at then ${calls(tables)} when ${entries.number} > 0 then ${fraction} else 0 end, ${most}) as previous
      from (
        select c.running, c.at, least(${entries.expiresAt} - ${period}, c.at + ${period}) as ends
        from (select ${running} as running, clock_timestamp() as at) as c
      ) as s
    ) as t`
}

/**
 * Returns the columns `expires_at`, `kept_until` and `begun_at` of a counter whose deadline moves. After a refusal the
 * deadline stays, unless it is later than `furthest`. A counter that counts nothing has expired.
 */
function movedColumns({ entries }: TableNames, to: Sql): Sql {
  const { expiresAt, keptUntil, createdAt } = entries
  const next = sql`case
          when w.fits and w.counts then ${to}
          when w.fits then timestamptz 'epoch'
          else least(${expiresAt}, w.furthest)
        end`
  return sql`${next} as expires_at,
        case when not w.fits and ${expiresAt} <= w.furthest then ${keptUntil} else ${next} end as kept_until,
        case when w.running then ${createdAt} else statement_timestamp() end as begun_at`
}

/** Takes tokens from a bucket. The deadline is the instant at which the bucket is full. */
export const takeTokens = countOperation({
  name: 'take_tokens',
  life: refillTime(sql`greatest(${cost}, 0)`),
  next: (tables, running) => {
    const { entries } = tables
    return sql`
      select w.running, w.fits, case when w.fits then w.missing else ${entries.number} end as number,
        ${movedColumns(tables, sql`w.refilled_at + ${refillTime(sql`w.missing`)}`)}
      from (
        select v.*, greatest(v.used + ${cost}, 0) as missing, true as counts,
          v.at + ${refillTime(calls(tables))} as furthest
        from (
          select u.running, u.at, u.used, ${fits(sql`u.used`)} as fits,
            case when u.used > 0 then u.refilled_at else u.at end as refilled_at
          from (${bucket(tables, running)}) as u
        ) as v
      ) as w`
  },
})

/** Selects the tokens that are missing now, as `used`, and the time of the last refill. Only whole refills count. */
function bucket(tables: TableNames, running: Sql): Sql {
  const { entries } = tables
  return sql`
    select r.running, r.at, r.last + (r.refills * ${periodMs})::float8 * interval '1 millisecond' as refilled_at,
      case when r.running then greatest(${calls(tables)} - r.refills * ${param('refill', 'numeric')}, 0) else 0 end as used
    from (
      select b.*, floor(extract(epoch from b.at - b.last)::numeric * 1000 / ${periodMs}) as refills
      from (
        select c.running, c.at, least(${entries.expiresAt} - ${refillTime(calls(tables))}, c.at) as last
        from (select ${running} as running, clock_timestamp() as at) as c
      ) as b
    ) as r`
}

/**
 * Returns the interval in which this many tokens come back. It is bounded, because any number may be stored under the
 * key.
 */
function refillTime(tokens: Sql): Sql {
  const ms = sql`ceil(${tokens} / ${param('refill', 'numeric')}) * ${periodMs}`
  return sql`(least(${ms}, ${MAX_REFILL_MS})::float8 * interval '1 millisecond')`
}

/** Returns the whole calls that a counter holds. */
export function calls({ entries }: TableNames): Sql {
  return sql`greatest(floor(${entries.number}), 0)`
}

/**
 * False if the clock stepped back, so that the window begins in the future. That window ends a period from now at the
 * latest.
 *
 * It uses clock_timestamp(), because the statement of a call that waited for another call began before the window did.
 */
export function hasBegun({ entries }: TableNames): Sql {
  return sql`${entries.createdAt} <= clock_timestamp()`
}

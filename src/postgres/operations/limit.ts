import { type SQL, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import type { CacheTables } from '../../schema/index.ts'
import { instant, integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { keptUntilExpired, liveWhenLocked, milliseconds, param, recheckedAt } from './fragments.ts'

/** The columns that come from the CTE `counted`. */
export const WINDOW = {
  count: sql`counted.number`,
  resetAt: sql`counted.expires_at`,
  // Not statement_timestamp(): a call that waited for another's count began before the window did, so it would get more than a period.
  resetMs: sql`greatest(0, ceil(extract(epoch from counted.expires_at - clock_timestamp()) * 1000))`,
}

/**
 * Counts a call in a fixed window, up to `cap`. Returns no row if the entry does not hold a number.
 *
 * A permanent counter has no window yet and gets one.
 */
export const countCall = operation({
  name: 'count_call',
  repeatable: 'unsent',
  rows: 'at most one',
  prefersRoutine: true,
  columns: { count: integer, resetAt: instant, resetMs: integer },
  build(db, tables, answer) {
    const { entries } = tables
    const counted = db.$with('counted', {}).as(sql`
      insert into ${entries} (key, number, expires_at, kept_until, cleanup_slot, written_by)
      select ${param('key')}, 1, given.expires_at, ${keptUntilExpired}, pg_current_xact_id()
      from (select statement_timestamp() + ${milliseconds('periodMs')} as expires_at) as given
      on conflict (key) do update
      set value = null, compute_ms = null, meta = null, written_by = excluded.written_by, (number, expires_at, kept_until, cleanup_slot, tags, filled_at, created_at, updated_at) = (
        select
          case when s.running then ${nextCount(tables)} else 1 end,
          case when s.running then least(coalesce(${entries.expiresAt}, excluded.expires_at), s.latest) else excluded.expires_at end,
          case when s.running and ${entries.expiresAt} is not null then least(${entries.keptUntil}, s.latest) else excluded.kept_until end,
          case when s.running and ${entries.expiresAt} is not null then least(${entries.cleanupSlot}, ${cleanupSlot(sql`s.latest`)}) else excluded.cleanup_slot end,
          case when s.running then ${entries.tags} end,
          case when s.running then ${recheckedAt(tables)} end,
          case when s.running and s.latest is null then ${entries.createdAt} else statement_timestamp() end,
          statement_timestamp()
        from (
          select ${liveWhenLocked(tables)} and ${entries.number} is not null as running,
            case when not ${hasBegun(tables)} then excluded.expires_at end as latest
        ) as s
      )
      where ${entries.value} is null or not ${liveWhenLocked(tables)}
      returning ${entries.number}, ${entries.expiresAt}`)
    return answer(db.with(counted), WINDOW).from(sql`counted`)
  },
})

/**
 * False if the window begins in the future, because the clock stepped back. Such a window ends a period from now at the latest.
 *
 * Not by statement_timestamp(): a call that waited for another's count began before the window did.
 */
export function hasBegun({ entries }: CacheTables): SQL {
  return sql`${entries.createdAt} <= clock_timestamp()`
}

/** The count after this call. */
export function nextCount({ entries }: CacheTables): SQL {
  return sql`least(greatest(floor(${entries.number}), 0) + 1, ${param('cap', 'numeric')})`
}

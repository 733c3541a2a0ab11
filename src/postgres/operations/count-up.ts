import { isLive } from '../../schema/conditions.ts'
import { sql } from '../../schema/sql.ts'
import { decimal, nullable, oneOf } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { deadline, keptUntilExpired, liveWhenLocked, param, recheckedAt } from './fragments.ts'

export const maxSum = Number.MAX_SAFE_INTEGER

/**
 * Adds `delta` to a counter. A missing, expired or null entry counts as 0, and gets the given deadline.
 *
 * The result comes from the update itself, because a separate read would lose races. If the update's condition refuses
 * the change, `number` is null, and `refusal` is the reason that the statement's snapshot shows. If both are null, the
 * entry was written after the snapshot: send the statement again.
 */
export const countUp = operation({
  name: 'count_up',
  repeatable: 'unsent',
  rows: 'one',
  prefersRoutine: true,
  columns: { number: nullable(decimal), refusal: nullable(oneOf('text', 'range')) },
  build(tables) {
    const { entries } = tables
    const running = sql`${liveWhenLocked(tables)} and ${entries.number} is not null`
    const counted = cte('counted')`
      insert into ${entries} (key, number, expires_at, kept_until, cleanup_slot, written_by)
      select ${param('key')}, ${param('delta', 'numeric')}, given.expires_at, ${keptUntilExpired}, pg_current_xact_id()
      from (select ${deadline} as expires_at) as given
      on conflict (key) do update
      set value = null, compute_ms = null, meta = null, written_by = excluded.written_by, (number, expires_at, kept_until, cleanup_slot, tags, filled_at, created_at, updated_at) = (
        select
          case when s.running then ${entries.number} else 0 end + excluded.number,
          case when s.keeps then ${entries.expiresAt} else excluded.expires_at end,
          case when s.keeps then ${entries.keptUntil} else excluded.kept_until end,
          case when s.keeps then ${entries.cleanupSlot} else excluded.cleanup_slot end,
          case when s.running then ${entries.tags} end,
          case when s.running then ${recheckedAt(tables)} end,
          case when s.running then ${entries.createdAt} else statement_timestamp() end,
          statement_timestamp()
        from (select r.running, r.running and not ${param('sliding', 'boolean')} as keeps from (select ${running} as running) as r) as s
      )
      where (
        select abs(case when s.live and ${entries.number} is not null then ${entries.number} else 0 end + excluded.number)
            <= ${maxSum}
          and not (s.live and ${entries.value} is not null)
        from (select ${liveWhenLocked(tables)} as live) as s
      )
      returning ${entries.number}`
    return {
      with: [counted],
      select: {
        number: sql`(select number from counted)`,
        refusal: sql`(
        select case
          when ${entries.value} is not null then 'text'
          when abs(coalesce(${entries.number}, 0) + ${param('delta', 'numeric')}) > ${maxSum} then 'range'
        end
        from ${entries} where ${entries.key} = ${param('key')} and ${isLive(tables)})`,
      },
      from: sql`(select) as one`,
    }
  },
})

import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { rejected } from '../../schema/rejected.ts'
import { sql } from '../../schema/sql.ts'
import { bool, nullable } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import {
  asWrittenNow,
  deadline,
  isUsable,
  milliseconds,
  overwrite,
  param,
  textArray,
  writtenColumns,
} from './fragments.ts'
import { freed, heldLease } from './lease.ts'

/**
 * Stores the computed value and releases the lease, if the claim's token still stands.
 *
 * It refuses the value if, since the claim, another caller wrote or removed the entry, took over the lease, or
 * invalidated one of the tags. The value may then be computed from older data. It also refuses the value if the claim
 * is older than the horizon of the trimmed log of invalidations. `stored` is null if `asOf` is from the future.
 */
export const fill = operation({
  name: 'fill',
  repeatable: 'always',
  rows: 'one',
  columns: { stored: nullable(bool) },
  build(tables) {
    const { entries, leases } = tables
    const fence = cte('fence')`
      update ${leases} set ${freed} where ${heldLease(tables)}
      returning claimed_at, seen`
    const given = cte('given')`
      select item.*, case
          when item.expires_at <= statement_timestamp() then item.expires_at
          else item.expires_at + ${milliseconds('staleMs')}
        end as kept_until
      from (
        select least(${deadline}, statement_timestamp() + ${milliseconds('maxAgeMs')}) as expires_at, ${textArray('tags')} as tags,
          coalesce(${param('asOf', 'pg_snapshot')}, fence.claimed_at) as filled_at
        from fence
      ) as item`
    const written = cte('written')`
      insert into ${entries} as entry (${writtenColumns})
      select ${param('key')}, ${param('value')}, ${param('number', 'numeric')},
        given.expires_at, given.kept_until, ${cleanupSlot(sql`given.kept_until`)}, given.tags, case when given.tags is not null then given.filled_at end,
        ${param('computeMs', 'float8')}, ${asWrittenNow}
      from given
      where ${isUsable} and not ${rejected(tables, { tags: sql`given.tags`, filledAt: sql`given.filled_at`, writtenBy: sql`pg_current_xact_id()` })}
      on conflict (key) do update set ${overwrite}
      where entry.written_by is not distinct from (select seen from fence)
      returning 1`
    return {
      with: [fence, given, written],
      select: {
        stored: sql`case when ${isUsable} then exists (select from written) end`,
      },
      from: sql`(select) as one`,
    }
  },
})

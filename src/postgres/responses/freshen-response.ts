import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { rejected } from '../../schema/rejected.ts'
import { sql } from '../../schema/sql.ts'
import { bool } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { deadline, milliseconds, param, textArray } from '../operations/fragments.ts'
import { fencedSince, fencingLease, freed, isUnchanged } from '../operations/lease.ts'

/**
 * Updates the header fields, instants and tags of a stored response after a 304, and releases the lease. The body is
 * neither sent nor rewritten. If another request stored a response since the claim, nothing changes.
 */
export const freshenResponse = operation({
  name: 'freshen_response',
  repeatable: 'always',
  rows: 'one',
  columns: { stored: bool },
  build(tables) {
    const { entries, leases } = tables
    const fence = cte('fence')`
      update ${leases} set ${freed} where ${fencingLease(tables)}
      returning key, ${fencedSince(tables)} as claimed_at, seen`
    const given = cte('given')`
      select fence.*, least(${deadline}, statement_timestamp() + ${milliseconds('maxAgeMs')}) as expires_at, ${textArray('tags')} as tags
      from fence`
    const keptUntil = sql`greatest(given.expires_at, statement_timestamp()) + ${milliseconds('retentionMs')}`
    const freshened = cte('freshened')`
      update ${entries}
      set meta = ${param('meta')}, expires_at = given.expires_at,
        kept_until = ${keptUntil}, cleanup_slot = ${cleanupSlot(sql`(${keptUntil})`)},
        tags = given.tags, filled_at = case when given.tags is not null then given.claimed_at end,
        created_at = statement_timestamp(), updated_at = statement_timestamp(), written_by = pg_current_xact_id()
      from given
      where ${entries.key} = given.key and ${isUnchanged(tables, sql`given.seen`)}
        and not ${rejected(tables, { tags: sql`given.tags`, filledAt: sql`given.claimed_at`, writtenBy: sql`pg_current_xact_id()` })}
      returning 1`
    return {
      with: [fence, given, freshened],
      select: { stored: sql`exists (select from freshened)` },
      from: sql`(select) as one`,
    }
  },
})

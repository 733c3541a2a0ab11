import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { rejected } from '../../schema/rejected.ts'
import { raw, sql } from '../../schema/sql.ts'
import { bool } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import {
  asWrittenNow,
  deadline,
  milliseconds,
  overwrite,
  param,
  textArray,
  writtenColumns,
} from '../operations/fragments.ts'
import { fencedSince, fencingLease, freed } from '../operations/lease.ts'
import { variantRowKey } from './variant.ts'

/** How long a URL's row remembers field names after the last fill. Forgotten names cost one miss. */
const namesKeptUntil = raw(`(statement_timestamp() + interval '30 days')`)

/** Sorts after all variants of a URL, whose names are hexadecimal digests, and before other parts of a key. */
const AFTER_VARIANTS = raw(`' g'`)

/**
 * Stores a response and releases its lease. The token must still hold the lease. During hit-for-miss, no token holds
 * the lease. The statement then stores the response if the lease has not changed since the request read.
 *
 * The response is stored under its URL or, if it varies, under its variant. Then the URL's row remembers the names of
 * all fields that its responses vary on. With `forgets`, it remembers only those of this response.
 *
 * The statement stores nothing in three cases:
 *
 * - a tag was invalidated since the claim
 * - the stored response has a later Date (RFC 9111 4)
 * - the key differs from the parameter `expected`
 *
 * If the URL has `maxVariants` other variants, the statement evicts those that expire first. So a client cannot fill a
 * URL with variants that keep others out.
 */
export const fillResponse = operation({
  name: 'fill_response',
  repeatable: 'always',
  rows: 'one',
  columns: { stored: bool },
  build(tables) {
    const { entries, leases } = tables
    const fence = cte('fence')`
      update ${leases} set ${freed} where ${fencingLease(tables)}
      returning ${fencedSince(tables)} as claimed_at`
    const names = cte('names')`
      select coalesce(jsonb_agg(distinct each.name order by each.name), '[]'::jsonb) as list
      from (
        select jsonb_array_elements_text(${entries.meta}::jsonb -> 'vary') as name
        from ${entries}
        where ${entries.key} = ${param('base')} and ${entries.meta} is not null and not ${param('forgets', 'boolean')}
        union all select json_array_elements_text(${param('names', 'json')})
      ) as each`
    const given = cte('given')`
      select item.*, case
          when item.expires_at <= statement_timestamp() then statement_timestamp() + ${milliseconds('retentionMs')}
          else item.expires_at + ${milliseconds('retentionMs')}
        end as kept_until, placed.key, names.list
      from names, lateral (select ${variantRowKey(sql`names.list`)} as key) as placed, (
        select least(${deadline}, statement_timestamp() + ${milliseconds('maxAgeMs')}) as expires_at, ${textArray('tags')} as tags,
          fence.claimed_at as filled_at
        from fence
      ) as item
      where placed.key = coalesce(${param('expected')}, placed.key)`
    // Lock the URL's row before its variants' rows: all statements lock in key order, so they cannot deadlock.
    const remembered = cte('remembered')`
      insert into ${entries} (${writtenColumns}, meta)
      select ${param('base')}, null, null, ${namesKeptUntil}, ${namesKeptUntil}, ${cleanupSlot(namesKeptUntil)}, null, null, null, ${asWrittenNow},
        jsonb_build_object('vary', given.list)::text
      from given where jsonb_array_length(given.list) > 0
      on conflict (key) do update set ${overwrite}
      returning 1`
    // Fills of one URL's variants wait for each other at the URL's row, so their locks here cannot cross.
    const evicted = cte('evicted')`
      delete from ${entries} where ${entries.key} in (
        select other.key from given, ${entries} as other
        where jsonb_array_length(given.list) > 0 and other.key <> given.key and (select count(*) from remembered) > 0
          and other.key collate "C" > ${param('base')} || ' ' and other.key collate "C" < ${param('base')} || ${AFTER_VARIANTS}
        order by other.kept_until desc nulls first, other.key collate "C"
        offset ${param('maxVariants', 'int')} - 1
        for update of other skip locked)
      returning 1`
    const written = cte('written')`
      insert into ${entries} as entry (${writtenColumns}, meta)
      select given.key, ${param('value')}, null, given.expires_at, given.kept_until, ${cleanupSlot(sql`given.kept_until`)}, given.tags,
        case when given.tags is not null then given.filled_at end, ${param('computeMs', 'float8')}, ${asWrittenNow},
        ${param('meta')}
      from given
      where (select count(*) from remembered) >= 0 and (select count(*) from evicted) >= 0
        and not ${rejected(tables, { tags: sql`given.tags`, filledAt: sql`given.filled_at`, writtenBy: sql`pg_current_xact_id()` })}
      on conflict (key) do update set ${overwrite}
      where coalesce((entry.meta::jsonb ->> 'date')::float8, 0) <= ${param('date', 'float8')}
        or entry.expires_at <= statement_timestamp()
      returning 1`
    return {
      with: [fence, names, given, remembered, evicted, written],
      select: {
        stored: sql`exists (select from written)`,
      },
      from: sql`(select) as one`,
    }
  },
})

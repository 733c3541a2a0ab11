import { sql } from 'drizzle-orm'
import { rejected } from '../../schema/rejected.ts'
import { bool } from '../kinds.ts'
import { operation } from '../operation.ts'
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

/** How long a URL's field names are remembered after its last response was stored; forgotten, they cost one miss. */
const NAMES_KEPT = sql.raw(`interval '30 days'`)

/** Variants are named by digests in hexadecimal: other parts of a key come after them. */
const AFTER_VARIANTS = sql.raw(`' g'`)

/**
 * Stores a response and gives its lease back, if the claim's token still stands or nobody took the lease since it was
 * passed on.
 *
 * The response goes under its URL, or under its variant. In the latter case the URL's row remembers all fields that its
 * responses vary on or, with `forgets`, only those of this one.
 *
 * Nothing is stored if a tag was invalidated since the claim, or if the handler made the stored response later (RFC 9111
 * 4). If the URL has `maxVariants` other variants, those that expire first make room, so nobody can fill a URL with
 * variants that keep others out.
 */
export const fillResponse = operation({
  name: 'fill_response',
  repeatable: 'always',
  rows: 'one',
  columns: { stored: bool },
  build(db, tables, answer) {
    const { entries, leases } = tables
    const fence = db.$with('fence', {}).as(sql`
      update ${leases} set ${freed} where ${fencingLease(tables)}
      returning ${fencedSince(tables)} as claimed_at`)
    const names = db.$with('names', {}).as(sql`
      select coalesce(jsonb_agg(distinct each.name order by each.name), '[]'::jsonb) as list
      from (
        select jsonb_array_elements_text(${entries.meta}::jsonb -> 'vary') as name
        from ${entries}
        where ${entries.key} = ${param('base')} and ${entries.meta} is not null and not ${param('forgets', 'boolean')}
        union all select json_array_elements_text(${param('names', 'json')})
      ) as each`)
    const given = db.$with('given', {}).as(sql`
      select item.*, case
          when item.expires_at <= now() then now() + ${milliseconds('keptMs')}
          else item.expires_at + ${milliseconds('keptMs')}
        end as kept_until, ${variantRowKey(sql`names.list`)} as key, names.list
      from names, (
        select least(${deadline}, now() + ${milliseconds('maxAgeMs')}) as expires_at, ${textArray('tags')} as tags,
          fence.claimed_at as filled_at
        from fence
      ) as item`)
    // The URL's row before its variants': in the order of their keys, as all statements lock.
    const remembered = db.$with('remembered', {}).as(sql`
      insert into ${entries} (${writtenColumns}, meta)
      select ${param('base')}, null, null, now() + ${NAMES_KEPT}, now() + ${NAMES_KEPT}, null, null, null, ${asWrittenNow},
        jsonb_build_object('vary', given.list)::text
      from given where jsonb_array_length(given.list) > 0
      on conflict (key) do update set ${overwrite}
      returning 1`)
    // Fills of one URL's variants wait for each other at its row, so these locks are never crossed by theirs.
    const evicted = db.$with('evicted', {}).as(sql`
      delete from ${entries} where ${entries.key} in (
        select other.key from given, ${entries} as other
        where jsonb_array_length(given.list) > 0 and other.key <> given.key and (select count(*) from remembered) > 0
          and other.key > ${param('base')} || ' ' and other.key < ${param('base')} || ${AFTER_VARIANTS}
        order by other.kept_until desc nulls first, other.key
        offset ${param('maxVariants', 'int')} - 1
        for update of other skip locked)
      returning 1`)
    const written = db.$with('written', {}).as(sql`
      insert into ${entries} as entry (${writtenColumns}, meta)
      select given.key, ${param('body')}, null, given.expires_at, given.kept_until, given.tags,
        case when given.tags is not null then given.filled_at end, ${param('computeMs', 'float8')}, ${asWrittenNow},
        ${param('meta')}
      from given
      where (select count(*) from remembered) >= 0 and (select count(*) from evicted) >= 0
        and not ${rejected(tables, { tags: sql`given.tags`, filledAt: sql`given.filled_at`, writtenBy: sql`pg_current_xact_id()` })}
      on conflict (key) do update set ${overwrite}
      where coalesce((entry.meta::jsonb ->> 'date')::float8, 0) <= ${param('date', 'float8')}
        or entry.expires_at <= now()
      returning 1`)
    return answer(db.with(fence, names, given, remembered, evicted, written), {
      stored: sql`exists (select from written)`,
    }).from(sql`(select) as one`)
  },
})

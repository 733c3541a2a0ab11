import { sql } from 'drizzle-orm'
import { allOf } from '../../schema/all-of.ts'
import { integer } from '../kinds.ts'
import { isVisibleVersion, param, storedBytes } from './fragments.ts'
import { isOneOf, place } from './row-ids.ts'
import { sample } from './sample.ts'
import { scopedOperation } from './scoped.ts'

/**
 * Deletes up to `batch` entries, live ones too.
 *
 * It first takes those that expire soonest, through the index on their slot. Then it takes the permanent entries that were
 * written or touched least recently. In a large table it compares only a sample of these, because an index on a column that
 * every touch changes would make each touch expensive. Like a sweep, it skips entries that are locked, being computed, or
 * written meanwhile.
 */
export const evict = scopedOperation({
  name: 'evict',
  repeatable: 'unsent',
  rows: 'one',
  prefersRoutine: true,
  columns: { evicted: integer, bytes: integer },
  build(db, tables, answer, range) {
    const { entries, leases } = tables
    const isUnleased = sql`not exists (
      select from ${leases} as held where held.key = ${entries.key} and held.token is not null)`
    const soonest = db.$with('soonest', {}).as(sql`
      select ${place(entries)} from ${entries}
      where ${allOf(sql`${entries.cleanupSlot} is not null`, range, isUnleased, isVisibleVersion(tables))}
      order by ${entries.cleanupSlot}, ${entries.keptUntil}
      limit ${param('batch', 'int')}
      for update skip locked`)
    const oldest = db.$with('oldest', {}).as(sql`
      select ${place(entries)} from ${entries} ${sample(tables)}
      where ${allOf(sql`${entries.cleanupSlot} is null`, sql`(select count(*) from soonest) < ${param('batch', 'int')}`, range, isUnleased, isVisibleVersion(tables))}
      order by ${entries.updatedAt}
      limit greatest(0, ${param('batch', 'int')} - (select count(*) from soonest))
      for update skip locked`)
    const evicted = db.$with('evicted', {}).as(sql`
      delete from ${entries}
      where ${isOneOf(entries, 'soonest', 'oldest')}
      returning ${storedBytes(tables)} as bytes`)
    return answer(db.with(soonest, oldest, evicted), {
      evicted: sql`count(*)`,
      bytes: sql`coalesce(sum(bytes), 0)`,
    }).from(sql`evicted`)
  },
})

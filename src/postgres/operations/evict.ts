import { byBytes } from '../../schema/byte-order.ts'
import { FIRST_SLOT } from '../../schema/cleanup-slot.ts'
import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { ONE_ROW, walk } from '../../schema/walk.ts'
import { integer } from '../kinds.ts'
import { type Cte, cte, operation, type RowOf } from '../operation.ts'
import { inRange, isVisibleVersion, param, storedBytes } from './fragments.ts'
import { isAtPlaces, isOneOf, place } from './row-ids.ts'
import { selectSample } from './sample.ts'
import type { ScopedOperation } from './scoped.ts'

/** How many entries to compare for each evicted entry. A sampled LRU with five comes close to an exact LRU (Redis). */
const COMPARED_FACTOR = 4
/** Comparing fewer entries saves no measurable time. */
const MIN_COMPARED = 10_000

/** Returns the limits of one statement: entries to evict, and entries to compare. */
export function evictSizes(batch: number, minCompared = MIN_COMPARED) {
  return { batch, scan: Math.max(minCompared, batch * COMPARED_FACTOR) }
}

const DECLARED = {
  name: 'evict',
  repeatable: 'unsent',
  rows: 'one',
  prefersRoutine: true,
  columns: { evicted: integer, bytes: integer },
} as const

export type Evicted = RowOf<typeof DECLARED.columns>

const batch = param('batch', 'int')
const scan = param('scan', 'int')

/** Selects the places of the `scan` entries that expire soonest, in all scopes. */
const selectSoonest = ({ entries }: TableNames, condition: Sql): Sql => sql`
  select ${entries}.ctid as id from ${entries}, ${ONE_ROW}
  where ${entries.cleanupSlot} >= (select ${FIRST_SLOT}) and ${entries.keptUntil} >= (select timestamptz '-infinity') and ${condition}
  order by ${entries.cleanupSlot}
  limit ${scan}`

/**
 * Locks entries at these places, and selects their places again. It takes first the entries that expire soonest, then
 * the permanent entries that were written or touched least recently. Like a sweep, it skips entries that are locked,
 * being computed, or written since the snapshot. `not exists` is good enough, because the planner expects ten rows.
 *
 * @param places a query of one column: the places of rows
 * @param condition the condition of that query again
 */
function lockEntries(tables: TableNames, places: Sql, condition: Sql, limit: Sql): Sql {
  const { entries, leases } = tables
  return sql`
    select ${place(entries)} from ${entries}
    where ${isAtPlaces(entries, places, condition)} and ${isVisibleVersion(tables)}
      and not exists (select from ${leases} as held where held.key = ${entries.key} and held.token is not null)
    order by ${entries.keptUntil}, ${entries.updatedAt}
    limit ${limit}
    for update skip locked`
}

/**
 * Deletes up to `batch` entries, live ones too: first those that expire soonest, then the permanent ones that were
 * written or touched least recently. Each statement compares a bounded number of entries, for any size of the table.
 *
 * Without a scope, the index on the slot finds the entries that expire soonest. Permanent entries come from a sample of
 * the table. An index for them would be on a column that every touch changes, and would make each touch expensive.
 *
 * In a scope of fewer than `scan` entries, the statement compares all of the scope's entries. In a larger scope, it
 * first looks among the `scan` entries of all scopes that expire soonest. If most of these belong to other scopes, it
 * compares `scan` neighbouring entries of the scope, starting at a random key.
 */
export const evict: ScopedOperation<Evicted> = {
  everything: operation({
    ...DECLARED,
    build(tables) {
      const { entries } = tables
      const expiring = sql`${entries.keptUntil} is not null`
      const first = cte('soonest')`${lockEntries(tables, selectSoonest(tables, sql`true`), expiring, batch)}`
      const permanent = sql`${entries.keptUntil} is null`
      const rest = sql`greatest(0, ${batch} - (select count(*) from soonest))`
      const places = selectSample(tables, sql`${entries}.ctid`, permanent, sql`${rest} > 0`)
      const oldest = cte('oldest')`${lockEntries(tables, places, permanent, rest)}`
      return deleteChosen(tables, [first, oldest], ['soonest', 'oldest'])
    },
  }),
  range: operation({
    ...DECLARED,
    name: 'evict_in_range',
    build(tables) {
      const { entries } = tables
      const range = inRange(entries)
      const own = (from: Sql) => sql`
        select ${entries}.ctid as id from ${entries}, ${ONE_ROW}
        where ${walk(byBytes(entries.key), from, param('to'))}
        order by ${byBytes(entries.key)}
        limit ${scan}`
      const firstKeys = cte('first_keys')`${own(param('from'))}`
      const isLarge = sql`(select count(*) from first_keys) = ${scan}`
      const slots = cte('soonest_slots')`${selectSoonest(tables, isLarge)}`
      const ownSlots = cte('own_slots')`
        select ${entries}.ctid as id from ${entries}
        where ${isAtPlaces(entries, sql`select id from soonest_slots`, range)}`
      const isCrowded = sql`${isLarge} and (select count(*) from own_slots) < ${batch}`
      const start = cte('start')`
        select drawn.keys[1 + floor(random() * cardinality(drawn.keys))::int] as key
        from (select array(${selectSample(tables, entries.key, range, isCrowded)}) as keys) as drawn`
      const from = sql`case when ${isCrowded} then coalesce((select key from start), ${param('from')}) end`
      const neighbours = cte('neighbours')`${own(from)}`
      const places = sql`
        select id from first_keys where not (${isLarge})
        union all select id from own_slots where ${isLarge} and not (${isCrowded})
        union all select id from neighbours`
      const chosen = cte('chosen')`${lockEntries(tables, places, range, batch)}`
      return deleteChosen(tables, [firstKeys, slots, ownSlots, start, neighbours, chosen], ['chosen'])
    },
  }),
}

function deleteChosen(tables: TableNames, steps: readonly Cte[], chosen: readonly string[]) {
  const evicted = cte('evicted')`
    delete from ${tables.entries}
    where ${isOneOf(tables.entries, ...chosen)}
    returning ${storedBytes(tables)} as bytes`
  return {
    with: [...steps, evicted],
    select: {
      evicted: sql`count(*)`,
      bytes: sql`coalesce(sum(bytes), 0)`,
    },
    from: sql`evicted`,
  }
}

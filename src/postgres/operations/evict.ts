import { type SQL, sql, type WithSubquery } from 'drizzle-orm'
import { byBytes } from '../../schema/byte-order.ts'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { integer } from '../kinds.ts'
import { type Answer, operation, type RowOf } from '../operation.ts'
import { inRange, isVisibleVersion, param, storedBytes } from './fragments.ts'
import { isAtPlaces, isOneOf, place } from './row-ids.ts'
import { sample } from './sample.ts'
import type { ScopedOperation } from './scoped.ts'

/** Entries to compare for each that is evicted. A sampled LRU with five comes close to an exact one (Redis). */
const COMPARED_FACTOR = 4
/** Comparing fewer saves nothing that can be measured. */
const MIN_COMPARED = 10_000

/** The limits of one statement: entries to evict, and entries to compare. */
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

/** The places of the `scan` entries that expire soonest, of all scopes. */
const soonest = ({ entries }: CacheTables, condition: SQL): SQL => sql`
  select ${entries}.ctid as id from ${entries}
  where ${entries.cleanupSlot} is not null and ${entries.keptUntil} is not null and ${condition}
  order by ${entries.cleanupSlot}
  limit ${scan}`

/**
 * The places of those entries of a list that this statement could lock, and has locked: those that expire soonest, then
 * permanent ones that were written or touched least recently. Like a sweep, it skips entries that are locked, being
 * computed, or written meanwhile.
 *
 * @param places a query of one column: the places of a list
 * @param condition the condition of the list again
 */
function lockable(tables: CacheTables, places: SQL, condition: SQL, limit: SQL): SQL {
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
 * Deletes up to `batch` entries, live ones too: those that expire soonest, then the permanent ones that were written or
 * touched least recently. Each statement compares a bounded number of entries, however large the table is.
 *
 * Without a scope, the index on the slot has those that expire soonest. Permanent entries come from a sample of the table,
 * because an index on a column that every touch changes would make each touch expensive.
 *
 * A scope of fewer than `scan` entries compares all of its own. A larger one first looks among the `scan` of all scopes that
 * expire soonest. If these are mostly of other scopes, it compares `scan` neighbours of its own from a random key on.
 */
export const evict: ScopedOperation<Evicted> = {
  everything: operation({
    ...DECLARED,
    build(db, tables, answer) {
      const { entries } = tables
      const expiring = sql`${entries.keptUntil} is not null`
      const first = db.$with('soonest', {}).as(lockable(tables, soonest(tables, sql`true`), expiring, batch))
      const permanent = sql`${entries.keptUntil} is null`
      const rest = sql`greatest(0, ${batch} - (select count(*) from soonest))`
      const sampled = sql`select ${entries}.ctid from ${entries} ${sample(tables)} where ${permanent} and ${rest} > 0`
      const oldest = db.$with('oldest', {}).as(lockable(tables, sampled, permanent, rest))
      return removal(db, tables, answer, [first, oldest], ['soonest', 'oldest'])
    },
  }),
  range: operation({
    ...DECLARED,
    name: 'evict_in_range',
    build(db, tables, answer) {
      const { entries } = tables
      const range = inRange(entries)
      const own = (from: SQL) => sql`
        select ${entries}.ctid as id from ${entries}
        where ${byBytes(entries.key)} >= ${from} and ${byBytes(entries.key)} < ${param('to')}
        order by ${byBytes(entries.key)}
        limit ${scan}`
      const firstKeys = db.$with('first_keys', {}).as(own(param('from')))
      const isLarge = sql`(select count(*) from first_keys) = ${scan}`
      const slots = db.$with('soonest_slots', {}).as(soonest(tables, isLarge))
      const ownSlots = db.$with('own_slots', {}).as(sql`
        select ${entries}.ctid as id from ${entries}
        where ${isAtPlaces(entries, sql`select id from soonest_slots`, range)}`)
      const isCrowded = sql`${isLarge} and (select count(*) from own_slots) < ${batch}`
      const start = db.$with('start', {}).as(sql`
        select ${entries.key} from ${entries} ${sample(tables)} where ${range} and ${isCrowded}
        order by random()
        limit 1`)
      const from = sql`case when ${isCrowded} then coalesce((select key from start), ${param('from')}) end`
      const neighbours = db.$with('neighbours', {}).as(own(from))
      const places = sql`
        select id from first_keys where not (${isLarge})
        union all select id from own_slots where ${isLarge} and not (${isCrowded})
        union all select id from neighbours`
      const chosen = db.$with('chosen', {}).as(lockable(tables, places, range, batch))
      return removal(db, tables, answer, [firstKeys, slots, ownSlots, start, neighbours, chosen], ['chosen'])
    },
  }),
}

function removal(
  db: QueryDatabase,
  tables: CacheTables,
  answer: Answer<Evicted>,
  steps: readonly WithSubquery[],
  chosen: readonly string[],
) {
  const evicted = db.$with('evicted', {}).as(sql`
    delete from ${tables.entries}
    where ${isOneOf(tables.entries, ...chosen)}
    returning ${storedBytes(tables)} as bytes`)
  return answer(db.with(...steps, evicted), {
    evicted: sql`count(*)`,
    bytes: sql`coalesce(sum(bytes), 0)`,
  }).from(sql`evicted`)
}

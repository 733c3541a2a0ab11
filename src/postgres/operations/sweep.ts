import { byBytes } from '../../schema/byte-order.ts'
import { cleanupSlot, FIRST_SLOT } from '../../schema/cleanup-slot.ts'
import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { mostly, ONE_ROW, walkThrough } from '../../schema/walk.ts'
import { bool, integer, nullable, text } from '../kinds.ts'
import { cte, operation, type RowOf } from '../operation.ts'
import { inRange, isAfter, isVisibleVersion, param, walkRange } from './fragments.ts'
import { invalidatedEntries } from './invalidated.ts'
import { isAtPlaces, isOneOf, place } from './row-ids.ts'
import type { ScopedOperation } from './scoped.ts'
import { idleLeases } from './sweep-leases.ts'
import { trim } from './trim.ts'
import { trimChanges } from './trim-changes.ts'

/** Checking an entry costs a tenth of deleting one. So does deleting a row of the log, which is small. */
const SCAN_FACTOR = 4
const LOG_FACTOR = 10

/**
 * Returns the limits of one statement: entries and leases to remove, entries to check, and rows of the log.
 *
 * @param isDense true if the last statement removed as many entries as it may. More checks would then find entries that
 *   this statement cannot remove, and that the next statement would check again.
 */
export function sweepSizes(batch: number, isDense = false) {
  return { batch, scan: isDense ? batch : batch * SCAN_FACTOR, rows: batch * LOG_FACTOR }
}

/** The parameters of the first statement of a run. */
export const SWEEP_START = { begin: true, trims: true, leases: null, slot: null } as const

const DECLARED = {
  name: 'sweep',
  repeatable: 'unsent',
  rows: 'one',
  prefersRoutine: true,
  columns: {
    removed: integer,
    // True if the next statement would find more to remove.
    more: bool,
    // True if another run held the cleanup lock.
    isLockedByOther: bool,
    // The key up to which a scope was checked entry by entry. Null at its end.
    after: nullable(text),
    // The slot of the last removed lease. Null if no more leases can be found.
    leases: nullable(integer),
    // True if the next statement would find rows of the log to delete.
    trims: bool,
    // The slot of the last entry removed as expired. Null if there was none.
    slot: nullable(integer),
  },
} as const

export type Swept = RowOf<typeof DECLARED.columns>

/** True for entries whose stale window has ended. */
const isPastStale = ({ entries }: TableNames): Sql => mostly(sql`${entries.keptUntil} <= statement_timestamp()`)

/**
 * True for entries of slots that have begun. The current slot also holds entries that may still be served stale.
 *
 * A statement begins at the slot at which the previous statement ended. Index entries of deleted rows remain while any
 * older transaction runs. Without `slot`, each statement would walk over the index entries of all rows that earlier
 * statements deleted.
 */
const isPastSlot = ({ entries }: TableNames): Sql =>
  walkThrough(
    entries.cleanupSlot,
    sql`coalesce(${param('slot', 'int')}, ${FIRST_SLOT})`,
    cleanupSlot(sql`statement_timestamp()`),
  )

/**
 * True for an entry whose key is not being computed. An entry stays while its key is being computed, because the fill
 * must see whether the entry was written since the claim. An entry that was written since the snapshot stays too,
 * because the snapshot does not show whether its key is being computed.
 *
 * Rejected: `not exists`. The planner turns it into a join, which may read all leases, and from which it may expect no row.
 */
function isUnleased(tables: TableNames): Sql {
  const { entries, leases } = tables
  const isFree = sql`coalesce((select held.token is null from ${leases} as held where held.key = ${entries.key}), true)`
  return sql`${mostly(isFree)} and ${mostly(isVisibleVersion(tables))}`
}

/**
 * Builds the CTE `doomed`, which locks expired entries.
 *
 * With `skip locked`, it waits neither for writers nor for another sweep. Locking a row checks it again, in case it was
 * refreshed since the snapshot.
 */
function expiredRows(tables: TableNames, among: Sql, order: Sql) {
  const { entries } = tables
  return cte('doomed')`
    select ${place(entries)}, ${entries.cleanupSlot} as slot from ${entries}
    where ${among} and ${isPastStale(tables)} and ${isUnleased(tables)} ${order}
    limit ${param('batch', 'int')}
    for update skip locked`
}

/** Deletes expired and invalidated entries in one step, because an entry may be both and must be counted once. */
function removedRows({ entries }: TableNames) {
  return cte('removed')`
    delete from ${entries} where ${isOneOf(entries, 'doomed', 'loose')}
    returning 1`
}

const removed = sql`(select count(*) from removed)`
const lastSlot = sql`(select max(slot) from doomed)`
const isFull = sql`(select count(*) from doomed) = ${param('batch', 'int')}`

/**
 * Deletes up to `batch` entries whose stale window has ended, and up to `batch` leases that have long been free. Also
 * checks the next `scan` entries in key order, and deletes those that a tag rejects.
 *
 * Without a scope it also trims the log of invalidations, because then no entry of another scope can depend on it.
 *
 * The index on the slot holds the entries of all scopes. In a scope of fewer than `scan` entries, a run does not use
 * this index, but checks the scope's entries in key order. In a larger scope, the first statement reads the first
 * `scan` entries of the index. If most of these belong to other scopes, the run checks the scope's entries in key order
 * instead. So the cost depends only on the scope's own entries, and no statement reads more than its sizes allow.
 */
export const sweep: ScopedOperation<Swept> = {
  everything: operation({
    ...DECLARED,
    build(tables) {
      const { ctes, hasMore, isLockedByOther, trims } = trim(tables)
      const log = trimChanges(tables)
      const idle = idleLeases(tables, undefined)
      const order = sql`order by ${tables.entries.cleanupSlot}`
      const expired = expiredRows(tables, isPastSlot(tables), order)
      const steps = [...idle.ctes, expired, ...ctes, ...log.ctes, removedRows(tables)] as const
      return {
        with: steps,
        select: {
          removed,
          more: sql`(${isFull} or ${idle.next} is not null or ${hasMore} or ${log.hasMore})`,
          isLockedByOther,
          after: sql`null::text`,
          leases: idle.next,
          trims,
          slot: lastSlot,
        },
        from: sql`(select) as one`,
      }
    },
  }),
  range: operation({
    ...DECLARED,
    name: 'sweep_in_range',
    build(tables) {
      const { entries, invalidations } = tables
      const range = inRange(entries)
      const idle = idleLeases(tables, inRange(tables.leases))
      // Use a count, because `exists` would drop the order. Without the order, the planner may read the whole scope.
      const small = cte('small')`
        select ${param('slot', 'int')} is null and ${param('after')} = ${param('from')}
          and (select count(*) from (
            select from ${entries}, ${ONE_ROW} where ${walkRange(entries)} order by ${byBytes(entries.key)} limit ${param('scan', 'int')}
          ) as own) < ${param('scan', 'int')} as is_small`
      const isSmall = sql`(select is_small from small)`
      const soonest = cte('soonest_slots')`
        select ${entries}.ctid as id from ${entries}, ${ONE_ROW}
        where ${param('after')} = ${param('from')} and not ${isSmall} and ${isPastSlot(tables)}
        order by ${entries.cleanupSlot}
        limit ${param('scan', 'int')}`
      const among = isAtPlaces(entries, sql`select id from soonest_slots`, range)
      const expired = expiredRows(tables, among, sql``)
      const isCrowded = sql`(select count(*) from doomed) < ${param('batch', 'int')}
        and (select count(*) from soonest_slots) = ${param('scan', 'int')}`
      const checks = cte('walk')`
        select ${param('after')} > ${param('from')} or ${isSmall} or exists (select from ${invalidations}) or (${isCrowded}) as goes_on`
      const goesOn = sql`(select goes_on from walk)`
      const isNext = sql`${isAfter(tables)} and ${goesOn}`
      const { scanned, invalidated, lockable } = invalidatedEntries(tables, isNext, {
        isPast: isPastStale(tables),
      })
      const next = sql`(
        select case
          when count(*) = ${param('batch', 'int')} then max(key collate "C")
          else (select max(key collate "C") from scanned having count(*) = ${param('scan', 'int')})
        end from unfit)`
      const steps = [
        ...[...idle.ctes, small, soonest, expired, checks],
        ...[scanned, invalidated, lockable, removedRows(tables)],
      ] as const
      return {
        with: steps,
        select: {
          removed,
          more: sql`(${isFull} or ${idle.next} is not null or (${goesOn} and ${next} is not null))`,
          isLockedByOther: sql`false`,
          after: sql`case when ${goesOn} then ${next} else ${param('after')} end`,
          leases: idle.next,
          trims: sql`false`,
          slot: lastSlot,
        },
        from: sql`(select) as one`,
      }
    },
  }),
}

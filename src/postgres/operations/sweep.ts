import { and, type SQL, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { bool, integer, nullable, text } from '../kinds.ts'
import { operation, type RowOf } from '../operation.ts'
import { inRange, isVisibleVersion, param } from './fragments.ts'
import { invalidatedEntries } from './invalidated.ts'
import type { ScopedOperation } from './scoped.ts'
import { trim } from './trim.ts'
import { trimChanges } from './trim-changes.ts'

/** Longer than any statement may run that read the lease before it was freed. */
const FREED_LEASE_AGE = sql.raw(`interval '10 minutes'`)

/** Checking an entry costs a tenth of deleting one. So does deleting a row of the log, which is small. */
const SCAN_FACTOR = 4
const LOG_FACTOR = 10

/** The limits of one statement: entries to remove, entries to check, and rows of the log. */
export function sweepSizes(batch: number) {
  return { batch, scan: batch * SCAN_FACTOR, rows: batch * LOG_FACTOR }
}

const DECLARED = {
  name: 'sweep',
  repeatable: 'unsent',
  rows: 'one',
  columns: {
    removed: integer,
    // True if the next statement would find more.
    more: bool,
    // True if another run held the cleanup lock.
    isLockedByOther: bool,
    // The key up to which a scope was checked for entries that a tag rejects. Null at its end.
    after: nullable(text),
  },
} as const

export type Swept = RowOf<typeof DECLARED.columns>

/**
 * The CTEs that find expired entries and forget old leases.
 *
 * - The slot narrows the search to the index. The current slot still holds entries that may be served stale.
 * - `skip locked` waits neither for writers nor for another sweep. Locking a row checks it again, in case it was refreshed
 *   since the snapshot.
 * - `is true` hides the range from the planner, which would otherwise read all keys of a scope for it.
 * - An entry whose key is being computed stays, because the fill must see that somebody wrote it meanwhile. So does an entry
 *   that was written since the snapshot, because that does not show whether the key is being computed.
 */
function expiredRows(db: QueryDatabase, tables: CacheTables, range: SQL | undefined) {
  const { entries, leases } = tables
  const idle = db.$with('idle', {}).as(sql`
    select ${leases.key} from ${leases}
    where ${and(sql`${leases.expiresAt} < now() - ${FREED_LEASE_AGE}`, range && inRange(leases))}
    limit ${param('batch', 'int')}
    for update skip locked`)
  const forgotten = db.$with('forgotten', {}).as(sql`
    delete from ${leases} using idle where ${leases.key} = idle.key
    returning 1`)
  const isPastSlot = sql`${entries.cleanupSlot} <= ${cleanupSlot(sql`now()`)}`
  const isPastStale = sql`${entries.keptUntil} <= now()`
  const isUnleased = sql`not exists (
    select from ${leases} as held where held.key = ${entries.key} and held.token is not null)`
  const toDelete = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${and(isPastSlot, isPastStale, range && sql`${range} is true`, isUnleased, isVisibleVersion(tables))}
    order by ${entries.cleanupSlot}
    limit ${param('batch', 'int')}
    for update skip locked`)
  return [idle, forgotten, toDelete] as const
}

/** Deletes both kinds in one statement, because an entry may be of both kinds and must be counted once. */
function removedRows(db: QueryDatabase, { entries }: CacheTables) {
  return db.$with('removed', {}).as(sql`
    delete from ${entries} where ${entries.key} = any (array(select key from doomed union select key from loose))
    returning 1`)
}

const removed = sql`(select count(*) from removed)`
const isFull = sql`((select count(*) from doomed) = ${param('batch', 'int')} or (select count(*) from forgotten) = ${param('batch', 'int')})`

/**
 * Deletes up to `batch` entries that may not even be served stale, and up to `batch` leases that have long been free. Of the
 * next `scan` entries in key order it deletes those that a tag rejects.
 *
 * Without a scope it also trims the log of invalidations, because then no entry of another scope can depend on it.
 */
export const sweep: ScopedOperation<Swept> = {
  everything: operation({
    ...DECLARED,
    build(db, tables, answer) {
      const { ctes, hasMore, isLockedByOther } = trim(db, tables)
      const log = trimChanges(db, tables)
      const steps = [...expiredRows(db, tables, undefined), ...ctes, ...log.ctes, removedRows(db, tables)] as const
      return answer(db.with(...steps), {
        removed,
        more: sql`(${isFull} or ${hasMore} or ${log.hasMore})`,
        isLockedByOther,
        after: sql`null::text`,
      }).from(sql`(select) as one`)
    },
  }),
  range: operation({
    ...DECLARED,
    name: 'sweep_in_range',
    build(db, tables, answer) {
      const { entries, invalidations } = tables
      const isNext = sql`${entries.key} > ${param('after')} and ${entries.key} < ${param('to')}
        and exists (select from ${invalidations})`
      const { scanned, invalidated, lockable } = invalidatedEntries(db, tables, isNext, sql`false`)
      const after = sql`(
        select case
          when count(*) = ${param('batch', 'int')} then max(key)
          else (select max(key) from scanned having count(*) = ${param('scan', 'int')})
        end from unfit)`
      const steps = [
        ...expiredRows(db, tables, inRange(entries)),
        scanned,
        invalidated,
        lockable,
        removedRows(db, tables),
      ] as const
      return answer(db.with(...steps), {
        removed,
        more: sql`(${isFull} or ${after} is not null)`,
        isLockedByOther: sql`false`,
        after,
      }).from(sql`(select) as one`)
    },
  }),
}

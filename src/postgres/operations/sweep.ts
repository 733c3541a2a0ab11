import { and, type SQL, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import type { CacheTables } from '../../schema/index.ts'
import type { QueryDatabase } from '../database.ts'
import { bool, integer, nullable, text } from '../kinds.ts'
import { operation, type RowOf } from '../operation.ts'
import { inRange, isAsSeen, param } from './fragments.ts'
import type { ScopedOperation } from './scoped.ts'
import { trim } from './trim.ts'
import { trimChanges } from './trim-changes.ts'
import { unfitEntries } from './unfit.ts'

/** Longer than any statement may run that read the lease before it was freed. */
const LEASE_KEPT = sql.raw(`interval '10 minutes'`)

/** To look at an entry costs a tenth of what deleting one does, and so does a row of the log, which is small. */
const SCAN_FACTOR = 4
const LOG_FACTOR = 10

/** What one statement looks at and removes. */
export function sweepSizes(batch: number) {
  return { batch, scan: batch * SCAN_FACTOR, rows: batch * LOG_FACTOR }
}

const DECLARED = {
  name: 'sweep',
  repeatable: 'unsent',
  rows: 'one',
  columns: {
    removed: integer,
    // Whether the next statement would find more.
    more: bool,
    // Whether another run was at the looking through just then.
    isOthersTurn: bool,
    // How far a scope was looked through for entries that a tag rejects; null is to its end.
    after: nullable(text),
  },
} as const

export type Swept = RowOf<typeof DECLARED.columns>

/**
 * What has expired. The slot narrows the search to the index; the slot of now still holds entries that are kept. `skip
 * locked`: it neither waits for writers nor for another sweep, and looks again at what was refreshed between its snapshot
 * and its lock. `is true` keeps the range from the planner, which would otherwise read all keys of a scope for it. An
 * entry whose key is being computed stays: a fill must see that somebody wrote it meanwhile. So does one that was written
 * since the snapshot, which does not tell whether it is being computed.
 */
function expiredRows(db: QueryDatabase, tables: CacheTables, range: SQL | undefined) {
  const { entries, leases } = tables
  const idle = db.$with('idle', {}).as(sql`
    select ${leases.key} from ${leases}
    where ${and(sql`${leases.expiresAt} < now() - ${LEASE_KEPT}`, range && inRange(leases))}
    limit ${param('batch', 'int')}
    for update skip locked`)
  const forgotten = db.$with('forgotten', {}).as(sql`
    delete from ${leases} using idle where ${leases.key} = idle.key
    returning 1`)
  const isPastSlot = sql`${entries.cleanupSlot} <= ${cleanupSlot(sql`now()`)}`
  const isPastKeeping = sql`${entries.keptUntil} <= now()`
  const isAlone = sql`not exists (
    select from ${leases} as held where held.key = ${entries.key} and held.token is not null)`
  const doomed = db.$with('doomed', {}).as(sql`
    select ${entries.key} from ${entries}
    where ${and(isPastSlot, isPastKeeping, range && sql`${range} is true`, isAlone, isAsSeen(tables))}
    order by ${entries.cleanupSlot}
    limit ${param('batch', 'int')}
    for update skip locked`)
  return [idle, forgotten, doomed] as const
}

/** Both kinds in one delete: an entry may be of both, and is counted once. */
function removedRows(db: QueryDatabase, { entries }: CacheTables) {
  return db.$with('removed', {}).as(sql`
    delete from ${entries} where ${entries.key} = any (array(select key from doomed union select key from loose))
    returning 1`)
}

const removed = sql`(select count(*) from removed)`
const isFull = sql`((select count(*) from doomed) = ${param('batch', 'int')} or (select count(*) from forgotten) = ${param('batch', 'int')})`

/**
 * Deletes up to `batch` entries that are past keeping, not even served as stale; as many leases that have long been free;
 * and of the next `scan` entries in key order those that a tag rejects.
 *
 * Of everything it also trims the log of invalidations, because then no other scope's entry can depend on it.
 */
export const sweep: ScopedOperation<Swept> = {
  everything: operation({
    ...DECLARED,
    build(db, tables, answer) {
      const { ctes, hasMore, isOthersTurn } = trim(db, tables)
      const log = trimChanges(db, tables)
      const steps = [...expiredRows(db, tables, undefined), ...ctes, ...log.ctes, removedRows(db, tables)] as const
      return answer(db.with(...steps), {
        removed,
        more: sql`(${isFull} or ${hasMore} or ${log.hasMore})`,
        isOthersTurn,
        after: sql`null::text`,
      }).from(sql`(select) as one`)
    },
  }),
  range: operation({
    ...DECLARED,
    build(db, tables, answer) {
      const { entries, invalidations } = tables
      const isNext = sql`${entries.key} > ${param('after')} and ${entries.key} < ${param('to')}
        and exists (select from ${invalidations})`
      const { scanned, unfit, loose } = unfitEntries(db, tables, isNext, sql`false`)
      const after = sql`(
        select case
          when count(*) = ${param('batch', 'int')} then max(key)
          else (select max(key) from scanned having count(*) = ${param('scan', 'int')})
        end from unfit)`
      const steps = [
        ...expiredRows(db, tables, inRange(entries)),
        scanned,
        unfit,
        loose,
        removedRows(db, tables),
      ] as const
      return answer(db.with(...steps), {
        removed,
        more: sql`(${isFull} or ${after} is not null)`,
        isOthersTurn: sql`false`,
        after,
      }).from(sql`(select) as one`)
    },
  }),
}

import { and, sql } from 'drizzle-orm'
import { integer } from '../../postgres/kinds.ts'
import { scopedOperation } from '../../postgres/operations/scoped.ts'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'

/** Counts the expired entries of a scope that wait for cleanup. Does not count invalidated entries. */
export const waiting = scopedOperation({
  name: 'waiting',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build: (db, { entries }, answer, range) =>
    answer(db, { count: sql`count(*)` })
      .from(entries)
      // Only the slot has an index.
      .where(
        and(
          sql`${entries.cleanupSlot} <= ${cleanupSlot(sql`statement_timestamp()`)}`,
          sql`${entries.keptUntil} <= statement_timestamp()`,
          range,
        ),
      ),
})

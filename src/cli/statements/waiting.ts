import { integer } from '../../postgres/kinds.ts'
import { scopedOperation } from '../../postgres/operations/scoped.ts'
import { cleanupSlot } from '../../schema/cleanup-slot.ts'
import { sql } from '../../schema/sql.ts'

/** Counts the expired entries of a scope that wait for cleanup. Does not count invalidated entries. */
export const waiting = scopedOperation({
  name: 'waiting',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build: ({ entries }, range) => ({
    select: { count: sql`count(*)` },
    from: sql`${entries} where ${entries.cleanupSlot} <= ${cleanupSlot(sql`statement_timestamp()`)}
      and ${entries.keptUntil} <= statement_timestamp()${range ? sql` and ${range}` : sql``}`,
  }),
})

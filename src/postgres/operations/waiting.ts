import { and, sql } from 'drizzle-orm'
import { cleanupSlot } from '../../cleanup-slot.ts'
import { scopedOperation } from './scoped.ts'

/** How many entries of a scope are past keeping and wait for cleanup; those that a tag rejects are not looked for. */
export const waiting = scopedOperation('always', (db, { entries }, range) =>
  db
    .select({ count: sql<number>`count(*)::float8` })
    .from(entries)
    // The slot is what has an index.
    .where(and(sql`${entries.cleanupSlot} <= ${cleanupSlot(sql`now()`)}`, sql`${entries.keptUntil} <= now()`, range)),
)

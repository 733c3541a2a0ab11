import { sql } from 'drizzle-orm'
import { expired, forever, unexpired } from '../../schema.ts'
import { storedBytes } from './fragments.ts'
import { scopedOperation } from './scoped.ts'

/** Counts by state, and bytes, of a scope: one scan, which reads no TOASTed value. */
export const stats = scopedOperation('always', (db, tables, range) =>
  db
    .select({
      total: sql<number>`count(*)::text`.mapWith(Number),
      expired: sql<number>`(count(*) filter (where ${expired(tables)}))::text`.mapWith(Number),
      unexpired: sql<number>`(count(*) filter (where ${unexpired(tables)}))::text`.mapWith(Number),
      forever: sql<number>`(count(*) filter (where ${forever(tables)}))::text`.mapWith(Number),
      bytes: sql<number>`coalesce(sum(${storedBytes(tables)}), 0)::text`.mapWith(Number),
    })
    .from(tables.entries)
    .where(range),
)

import { sql } from 'drizzle-orm'
import { expired, forever, unexpired } from '../../schema.ts'
import { storedBytes } from './fragments.ts'
import { scopedOperation } from './scoped.ts'

/** Counts by state, and bytes, of a scope: one scan, which reads no TOASTed value. */
export const stats = scopedOperation('always', (db, tables, range) =>
  db
    .select({
      total: sql<number>`count(*)::float8`,
      expired: sql<number>`(count(*) filter (where ${expired(tables)}))::float8`,
      unexpired: sql<number>`(count(*) filter (where ${unexpired(tables)}))::float8`,
      forever: sql<number>`(count(*) filter (where ${forever(tables)}))::float8`,
      bytes: sql<number>`coalesce(sum(${storedBytes(tables)}), 0)::float8`,
    })
    .from(tables.entries)
    .where(range),
)

import { sql } from 'drizzle-orm'
import { expired, forever, unexpired } from '../../schema.ts'
import { operation } from '../database.ts'
import { inRange, storedBytes } from './fragments.ts'

/** Counts by state, and bytes, of a range: one scan, which reads no TOASTed value. */
export const stats = operation('always', (db, tables) =>
  db
    .select({
      total: sql<number>`count(*)::text`.mapWith(Number),
      expired: sql<number>`(count(*) filter (where ${expired(tables)}))::text`.mapWith(Number),
      unexpired: sql<number>`(count(*) filter (where ${unexpired(tables)}))::text`.mapWith(Number),
      forever: sql<number>`(count(*) filter (where ${forever(tables)}))::text`.mapWith(Number),
      bytes: sql<number>`coalesce(sum(${storedBytes(tables)}), 0)::text`.mapWith(Number),
    })
    .from(tables.entries)
    .where(inRange(tables)),
)

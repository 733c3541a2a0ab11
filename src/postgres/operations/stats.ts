import { sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { storedBytes } from './fragments.ts'
import { scopedOperation } from './scoped.ts'

/** Counts by state, and bytes, of a scope: one scan, which asks once whether an entry is live and reads no TOASTed value. */
export const stats = scopedOperation('always', (db, tables, range) => {
  const { entries } = tables
  const entry = sql`(
    select ${live(tables)} as live, ${entries.expiresAt} is null as permanent, ${storedBytes(tables)} as bytes
    from ${entries} ${range ? sql`where ${range}` : sql``}
  ) as entry`
  return db
    .select({
      total: sql<number>`count(*)::float8`,
      expired: sql<number>`(count(*) filter (where not entry.live))::float8`,
      unexpired: sql<number>`(count(*) filter (where entry.live and not entry.permanent))::float8`,
      forever: sql<number>`(count(*) filter (where entry.live and entry.permanent))::float8`,
      bytes: sql<number>`coalesce(sum(entry.bytes), 0)::float8`,
    })
    .from(entry)
})

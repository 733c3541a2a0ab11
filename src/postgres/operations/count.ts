import { and, sql } from 'drizzle-orm'
import { live } from '../../schema.ts'
import { scopedOperation } from './scoped.ts'

/** The number of live entries of a scope. */
export const count = scopedOperation('always', (db, tables, range) =>
  db
    .select({ count: sql<number>`count(*)::float8` })
    .from(tables.entries)
    .where(and(range, live(tables))),
)

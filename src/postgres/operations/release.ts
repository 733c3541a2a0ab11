import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { freed, heldLease } from './lease.ts'

/** Gives a lease back without storing anything, so that the next caller computes at once. */
export const release = operation('always', (db, tables) => {
  const released = db.$with('released', {}).as(sql`
    update ${tables.leases} set ${freed} where ${heldLease(tables)}
    returning 1`)
  return db.with(released).select({ count: sql<number>`count(*)::int` }).from(sql`released`)
})

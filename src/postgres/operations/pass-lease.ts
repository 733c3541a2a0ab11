import { sql } from 'drizzle-orm'
import { operation } from '../database.ts'
import { milliseconds } from './fragments.ts'
import { heldLease, PASS } from './lease.ts'

/**
 * Gives a lease back with the word that the answer could not be shared: for `passMs` nobody waits for another's answer.
 * Otherwise those who wait would ask one after the other.
 */
export const passLease = operation('always', (db, tables) => {
  const passed = db.$with('passed', {}).as(sql`
    update ${tables.leases}
    set token = ${PASS}, xid = pg_current_xact_id(), expires_at = now() + ${milliseconds('passMs')}
    where ${heldLease(tables)}
    returning 1`)
  return db.with(passed).select({ count: sql<number>`count(*)::int` }).from(sql`passed`)
})

import { sql } from 'drizzle-orm'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { milliseconds } from '../operations/fragments.ts'
import { heldLease, PASS } from '../operations/lease.ts'

/**
 * Gives a lease back with the word that the answer could not be shared: for `passMs` nobody waits for another's answer.
 * Otherwise those who wait would ask one after the other.
 */
export const passLease = operation({
  name: 'pass_lease',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build(db, tables, answer) {
    const passed = db.$with('passed', {}).as(sql`
      update ${tables.leases}
      set token = ${PASS}, xid = pg_current_xact_id(), expires_at = now() + ${milliseconds('passMs')}
      where ${heldLease(tables)}
      returning 1`)
    return answer(db.with(passed), { count: sql`count(*)` }).from(sql`passed`)
  },
})

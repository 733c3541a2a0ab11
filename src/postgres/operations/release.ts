import { sql } from 'drizzle-orm'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
import { freed, heldLease } from './lease.ts'

/** Releases a lease without storing a value, so that the next caller computes at once. */
export const release = operation({
  name: 'release',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build(db, tables, answer) {
    const released = db.$with('released', {}).as(sql`
      update ${tables.leases} set ${freed} where ${heldLease(tables)}
      returning 1`)
    return answer(db.with(released), { count: sql`count(*)` }).from(sql`released`)
  },
})

import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { freed, heldLease } from './lease.ts'

/** Releases a lease without storing a value, so that the next caller computes at once. */
export const release = operation({
  name: 'release',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build(tables) {
    const released = cte('released')`
      update ${tables.leases} set ${freed} where ${heldLease(tables)}
      returning 1`
    return { with: [released], select: { count: sql`count(*)` }, from: sql`released` }
  },
})

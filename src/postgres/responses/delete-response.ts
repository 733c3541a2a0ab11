import { sql } from '../../schema/sql.ts'
import { integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { fencingLease, freed, isUnchanged } from '../operations/lease.ts'

/**
 * Deletes a stored response, and releases the lease. A response that another request stored since the claim stays,
 * because it is newer than the reason to delete.
 */
export const deleteResponse = operation({
  name: 'delete_response',
  repeatable: 'always',
  rows: 'one',
  columns: { count: integer },
  build(tables) {
    const { entries, leases } = tables
    const fence = cte('fence')`
      update ${leases} set ${freed} where ${fencingLease(tables)}
      returning key, seen`
    const deleted = cte('deleted')`
      delete from ${entries} using fence where ${entries.key} = fence.key and ${isUnchanged(tables, sql`fence.seen`)}
      returning 1`
    return { with: [fence, deleted], select: { count: sql`count(*)` }, from: sql`deleted` }
  },
})

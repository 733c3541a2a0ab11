import { sql } from 'drizzle-orm'
import { integer } from '../kinds.ts'
import { operation } from '../operation.ts'
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
  build(db, tables, answer) {
    const { entries, leases } = tables
    const fence = db.$with('fence', {}).as(sql`
      update ${leases} set ${freed} where ${fencingLease(tables)}
      returning key, seen`)
    const deleted = db.$with('deleted', {}).as(sql`
      delete from ${entries} using fence where ${entries.key} = fence.key and ${isUnchanged(tables, sql`fence.seen`)}
      returning 1`)
    return answer(db.with(fence, deleted), { count: sql`count(*)` }).from(sql`deleted`)
  },
})

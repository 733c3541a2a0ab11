import { byBytes } from '../../schema/byte-order.ts'
import { sql } from '../../schema/sql.ts'
import { bool, integer } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { liveWhenLocked, param } from './fragments.ts'
import { breakLeases } from './lease.ts'

/**
 * Deletes entries and counts the live ones. `keys` must be distinct.
 *
 * A delete has no order, so the statement first locks the rows in key order. It reads the rows by the keys of the
 * broken leases, and so locks all leases before any entry.
 */
export const removeMany = operation({
  name: 'remove_many',
  repeatable: 'unsent',
  rows: 'one',
  columns: { count: integer, raced: bool },
  build(tables) {
    const { entries } = tables
    const keys = sql`select asked.key from json_array_elements_text(${param('keys', 'json')}) as asked(key)`
    const { broken, raced } = breakLeases(tables, keys)
    const toDelete = cte('doomed')`
      select ${entries.key} from ${entries}
      where ${entries.key} = any (array(select key from broken))
      order by ${byBytes(entries.key)}
      for update`
    const removed = cte('removed')`
      delete from ${entries} using doomed where ${entries.key} = doomed.key
      returning ${liveWhenLocked(tables)} as live`
    return {
      with: [broken, toDelete, removed],
      select: {
        count: sql`(select count(*) from removed where removed.live)`,
        raced,
      },
      from: sql`(select) as one`,
    }
  },
})

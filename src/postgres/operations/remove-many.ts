import { sql } from 'drizzle-orm'
import { byBytes } from '../../schema/byte-order.ts'
import { bool, integer } from '../kinds.ts'
import { operation } from '../operation.ts'
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
  build(db, tables, answer) {
    const { entries } = tables
    const keys = sql`select asked.key from json_array_elements_text(${param('keys', 'json')}) as asked(key)`
    const { broken, raced } = breakLeases(db, tables, keys)
    const toDelete = db.$with('doomed', {}).as(sql`
      select ${entries.key} from ${entries}
      where ${entries.key} = any (array(select key from broken))
      order by ${byBytes(entries.key)}
      for update`)
    const removed = db.$with('removed', {}).as(sql`
      delete from ${entries} using doomed where ${entries.key} = doomed.key
      returning ${liveWhenLocked(tables)} as live`)
    return answer(db.with(broken, toDelete, removed), {
      count: sql`(select count(*) from removed where removed.live)`,
      raced,
    }).from(sql`(select) as one`)
  },
})

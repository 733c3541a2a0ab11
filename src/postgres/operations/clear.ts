import { byBytes } from '../../schema/byte-order.ts'
import { sql } from '../../schema/sql.ts'
import { bool, integer, nullable, text } from '../kinds.ts'
import { cte, operation } from '../operation.ts'
import { inRange, param, walkRange } from './fragments.ts'
import { freed } from './lease.ts'

/**
 * Deletes up to `batch` entries of a range in key order. `last` is the last key, or null at the end of the range.
 *
 * It first breaks the leases of the whole range. Counting them forces that order. `raced` is true if one of these
 * leases was filled or released since this statement's snapshot. There may then be an entry that this statement cannot
 * see.
 */
export const clear = operation({
  name: 'clear',
  repeatable: 'unsent',
  rows: 'one',
  prefersRoutine: true,
  columns: { removed: integer, raced: bool, last: nullable(text) },
  build({ entries, leases }) {
    const held = cte('held')`
      select ${leases.key} from ${leases}
      where ${inRange(leases)} and ${leases.token} is not null
      order by ${byBytes(leases.key)}
      for update`
    const broken = cte('broken')`
      update ${leases} set ${freed} from held where ${leases.key} = held.key
      returning 1`
    const toDelete = cte('doomed')`
      select ${entries.key} from ${entries}
      where ${walkRange(entries)} and (select count(*) from broken) >= 0
      order by ${byBytes(entries.key)}
      limit ${param('batch', 'int')}
      for update`
    const removed = cte('removed')`
      delete from ${entries} where ${entries.key} = any (array(select key from doomed))
      returning 1`
    return {
      with: [held, broken, toDelete, removed],
      select: {
        removed: sql`(select count(*) from removed)`,
        raced: sql`(select count(*) from broken) < (
        select count(*) from ${leases} where ${inRange(leases)} and ${leases.token} is not null)`,
        last: sql`(select max(key collate "C") from doomed having count(*) = ${param('batch', 'int')})`,
      },
      from: sql`(select) as one`,
    }
  },
})

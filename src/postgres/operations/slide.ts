import { type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { cte } from '../operation.ts'
import { liveWhenLocked, milliseconds, movedDeadline } from './fragments.ts'

/** Returns the instant beyond which no deadline moves. Null means no bound. */
function latestDeadline({ entries }: TableNames): Sql {
  return sql`${entries.createdAt} + ${milliseconds('maxAgeMs')}`
}

/** Returns an instant. A sliding read moves deadlines that are before it. */
export function slidesBefore(tables: TableNames): Sql {
  return sql`least(statement_timestamp() + ${milliseconds('ttlMs')}, ${latestDeadline(tables)})`
}

/** True if a sliding read does not move the entry's deadline. */
export function isNotDue(tables: TableNames): Sql {
  return sql`(${tables.entries.expiresAt} < ${slidesBefore(tables)}) is not true`
}

/**
 * Moves the deadline of the entry in the CTE `found` to `lifeMs` from now if less than `ttlMs` remains, but never
 * beyond the age `maxAgeMs`. `touched` is true if the deadline moved.
 *
 * With `lifeMs = ttlMs × (1 + slack)` the entry never expires earlier than `ttlMs` after a read, and at most the slack
 * later. It is written at most once per `ttlMs × slack`, at any read rate. A read that is not due takes no transaction
 * id. The statement skips a row that another transaction is writing, because a read must not wait for a writer. If
 * several readers find the row due, one write is enough.
 *
 * @param isSliding a condition on the entry
 */
export function slide(tables: TableNames, isSliding: Sql = sql`true`) {
  const { entries } = tables
  const due = cte('due')`
    select ${entries.key}, least(statement_timestamp() + ${milliseconds('lifeMs')}, ${latestDeadline(tables)}) as expires_at
    from ${entries}
    where ${entries.key} = (select key from found)
      and ${entries.expiresAt} < ${slidesBefore(tables)}
      and ${isSliding} and ${liveWhenLocked(tables)}
    for no key update skip locked`
  const touched = cte('touched')`
    update ${entries}
    set ${movedDeadline(tables)}, updated_at = statement_timestamp()
    from due as next
    where ${entries.key} = next.key
    returning 1`
  return { ctes: [due, touched] as const, touched: sql`exists (select from touched)` }
}

import { raw, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { cte } from '../operation.ts'
import { CHANGES_STATE } from './changes.ts'
import { param } from './fragments.ts'
import { isOneOf, place } from './row-ids.ts'

/** Much longer than first tiers go without a read. A tier that exceeds it drops all its copies. */
const MIN_AGE = raw(`interval '10 minutes'`)
const NAME = raw(`'${CHANGES_STATE}'`)

/**
 * Trims the log of changes. A cleanup notes the oldest running transaction. Ten minutes later or more, a cleanup makes
 * that transaction the horizon, and deletes the rows below it. One transaction sets the horizon and deletes the rows,
 * so readers see both or neither.
 */
export function trimChanges({ changes, state }: TableNames) {
  const xmin = sql`pg_snapshot_xmin(pg_current_snapshot())`
  const due = cte('changes_due')`
    select s.name, s.value::jsonb ->> 'noted' as horizon from ${state} as s
    where s.name = ${NAME} and s.updated_at <= statement_timestamp() - ${MIN_AGE}
    for update skip locked`
  const noted = cte('changes_noted')`
    insert into ${state} as s (name, value)
    select ${NAME}, json_build_object('noted', ${xmin}::text)::text
    where exists (select from ${changes}) and not exists (select from ${state} as s where s.name = ${NAME})
    on conflict do nothing
    returning 1`
  const raised = cte('changes_raised')`
    update ${state} as s
    set value = json_build_object('horizon', due.horizon, 'noted', ${xmin}::text)::text, updated_at = statement_timestamp()
    from changes_due as due where s.name = due.name
    returning 1`
  const outdated = cte('changes_outdated')`
    select ${place(changes)} from ${changes}
    where ${changes.xid} < coalesce(
      (select horizon from changes_due), (select s.value::jsonb ->> 'horizon' from ${state} as s where s.name = ${NAME}))::xid8
    limit ${param('rows', 'int')}
    for update skip locked`
  const trimmed = cte('changes_trimmed')`
    delete from ${changes} where ${isOneOf(changes, 'changes_outdated')}
    returning 1`
  return {
    ctes: [due, noted, raised, outdated, trimmed] as const,
    hasMore: sql`(select count(*) from changes_trimmed) = ${param('rows', 'int')}`,
  }
}

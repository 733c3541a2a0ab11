/**
 * Trims the log of invalidations, and removes entries of another cluster.
 *
 * A row of the log may be deleted if no entry depends on it, now or later. A cleanup run checks all entries in key
 * order, over several statements. It removes the entries that a tag rejects, and remembers its first snapshot, `since`.
 * If it could remove all of them, it ends by recording the horizon `h since`. It then deletes the rows of the log that
 * `since` could see and that were written by transactions before `h`. Once the horizon is committed, readers reject
 * entries whose data is from before `h` and whose writer `since` could not see (`rejected.ts`).
 *
 * Proof that no read can return a rejected entry. Take any reader's snapshot R, and any entry E in it. E was computed
 * from data as of snapshot S, and transaction W wrote E. Let x be an invalidation of one of E's tags that R sees as
 * committed and S does not. If R sees the row of x, R rejects E. Otherwise R sees a statement that deleted the row.
 * Then R also sees a horizon `h since` with x < h, because the horizon was committed with the deletion or before it.
 * Let it be the latest horizon that R sees. A horizon never goes back, and all entries that the previous horizon
 * rejected were removed before it was replaced. S could not see x, so xmin(S) ≤ x < h.
 * - If `since` could not see W, the horizon rejects E. This holds regardless of when E arrived, and of how long its
 *   statement or transaction ran. No clock is involved.
 * - If `since` could see W, then E existed under the same key in every snapshot from `since` on. The statement that
 *   checked that key did not begin before `since`. By then x was committed, because `since` sees it. So x or an earlier
 *   horizon rejected E. Either the statement removed E, or it had to leave E, and this run records no horizon. A touch
 *   in between changes neither S nor W nor the key. A write in between has another W.
 *
 * The statements of a run coordinate through one row of `cache_state`, the cleanup lock. A statement acts only if it
 * holds that row's lock, and if the row has not changed since the statement's snapshot. So it sees everything that
 * `since` could see. A run does not begin in a transaction that looks finished in its own snapshot, as a transaction of
 * several statements can. Otherwise later writes of that transaction would look as if the run had checked them.
 *
 * `h` is the oldest transaction that was running when an earlier run noted it, ten minutes ago or more. The proof does
 * not need that age. It ensures that the value of a computation of less than ten minutes is never refused without need.
 *
 * After a dump is restored into another cluster, transaction ids start elsewhere, and comparing old ids with new ones
 * means nothing. A run in the new cluster removes all tagged entries, and its horizon is the whole past of `since`.
 */

import { byBytes } from '../../schema/byte-order.ts'
import { CLUSTER_IDENTITY } from '../../schema/cluster.ts'
import { TAG_STATE } from '../../schema/rejected.ts'
import { raw, type Sql, sql } from '../../schema/sql.ts'
import type { TableNames } from '../../schema/table-names.ts'
import { cte } from '../operation.ts'
import { param } from './fragments.ts'
import { invalidatedEntries } from './invalidated.ts'
import { isOneOf, place } from './row-ids.ts'

const name = (of: keyof typeof TAG_STATE): Sql => raw(`'${TAG_STATE[of]}'`)

/** A computation may take this long before trimming the log refuses its value. */
const MIN_AGE = raw(`interval '10 minutes'`)

const xmin = raw('pg_snapshot_xmin(pg_current_snapshot())')
const xmax = raw('pg_snapshot_xmax(pg_current_snapshot())')

/** Builds the CTEs of one statement of a run, in order, and expressions for its result. */
export function trim(tables: TableNames) {
  const { invalidations, state } = tables
  const stateValue = (of: keyof typeof TAG_STATE) => sql`(select s.value from ${state} as s where s.name = ${name(of)})`

  // Insert the row if `migrate` did not. The next statement finds it.
  const opened = cte('opened')`
    insert into ${state} (name, value) select ${name('cleanup')}, '{}' where ${stateValue('cleanup')} is null
    on conflict do nothing
    returning 1`
  // Empty if another run holds the lock, or changed the row since this statement's snapshot.
  const cleanupLock = cte('turn')`
    select s.value::jsonb as memory, s.updated_at from ${state} as s
    where s.name = ${name('cleanup')} and s.xmin = (select s.xmin from ${state} as s where s.name = ${name('cleanup')})
    for update skip locked`
  const known = cte('known')`
    select memory -> 'pass' as pass, (memory ->> 'noted')::xid8 as noted, id.cluster, id.recorded,
      coalesce(updated_at <= statement_timestamp() - ${MIN_AGE}, false) as is_due,
      coalesce((memory ->> 'noted')::xid8 > ${xmax}, false) as is_backwards,
      coalesce(id.recorded <> id.cluster, false) as is_elsewhere,
      not pg_visible_in_snapshot(pg_current_xact_id(), pg_current_snapshot()) as may_begin
    from turn, (select ${raw(CLUSTER_IDENTITY)} as cluster, ${stateValue('cluster')} as recorded) as id`
  const beginRun = (fields: Sql) =>
    sql`jsonb_build_object('since', pg_current_snapshot()::text, 'after', '', 'left', false, ${fields})`
  const step = cte('step')`
    select known.*, case
        when is_backwards or (is_elsewhere and (pass ->> 'resets') is distinct from cluster)
          then case when may_begin then ${beginRun(sql`'resets', coalesce(cluster, ''), 'horizon', ${xmax}::text`)} end
        when pass is not null then pass
        when ${param('begin', 'boolean')} and may_begin and exists (select from ${invalidations})
          then ${beginRun(sql`'resets', null, 'horizon', case when is_due then noted::text end`)}
      end as run
    from known`

  const { entries } = tables
  const isNext = sql`${byBytes(entries.key)} > (select run ->> 'after' from step)`
  const { scanned, invalidated, lockable } = invalidatedEntries(tables, isNext, {
    isToRemove: sql`(${entries.tags} is not null and (select run ->> 'resets' from step) is not null)`,
  })
  const reached = cte('reached')`
    select step.*, at.is_end, coalesce((run ->> 'left')::boolean, false) or at.has_left as has_left,
      case when is_backwards then run is not null else is_due or noted is null end as notes, case
        when at.is_end or run is null then null
        else run || jsonb_build_object('after', at.key, 'left', (run ->> 'left')::boolean or at.has_left)
      end as next_run
    from step, (
      select (select count(*) from scanned) < ${param('scan', 'int')} and unfit.count < ${param('batch', 'int')} as is_end,
        case when unfit.count < ${param('batch', 'int')} then (select max(key collate "C") from scanned) else unfit.last end as key,
        unfit.count > (select count(*) from loose) as has_left
      from (select count(*) as count, max(key collate "C") as last from unfit) as unfit
    ) as at`
  const remembered = cte('remembered')`
    update ${state} as s
    set updated_at = case when notes then statement_timestamp() else s.updated_at end, value = jsonb_strip_nulls(jsonb_build_object(
      'pass', next_run, 'noted', case when notes then ${xmin} else noted end::text))::text
    from reached
    where s.name = ${name('cleanup')} and (run is not null or notes)
    returning 1`

  const finished = cte('finished')`
    select (run ->> 'horizon')::xid8 as horizon, (run ->> 'since')::pg_snapshot as since,
      run ->> 'resets' is not null as resets
    from reached
    where run is not null and is_end and not has_left and (
      run ->> 'resets' is not null
      -- A reset may have set one that is ahead of what was noted.
      or (run ->> 'horizon')::xid8 >= coalesce(split_part(${stateValue('horizon')}, ' ', 1)::xid8, '0'))`
  const raised = cte('raised')`
    insert into ${state} as s (name, value)
    select ${name('horizon')}, horizon::text || ' ' || since::text from finished
    on conflict (name) do update set value = excluded.value, updated_at = statement_timestamp()
    returning s.value`
  const named = cte('named')`
    insert into ${state} (name, value)
    select ${name('cluster')}, cluster from reached
    where cluster is not null
      and ((recorded is null and not is_backwards) or exists (select from finished where resets))
    on conflict (name) do update set value = excluded.value, updated_at = statement_timestamp()
    returning 1`

  // The horizon of another cluster says nothing about the rows of this cluster.
  const horizon = cte('horizon')`
    select split_part(value, ' ', 1)::xid8 as xid, split_part(value, ' ', 2)::pg_snapshot as since
    from (
      select value from raised
      union all
      select ${stateValue('horizon')} from step
      where not exists (select from raised) and not is_backwards and not is_elsewhere and run ->> 'resets' is null
        -- Otherwise each statement of a run would read the whole log.
        and ${param('trims', 'boolean')}
    ) as current
    where value is not null`
  const outdated = cte('outdated')`
    select ${place(invalidations)} from ${invalidations}
    where (select count(*) from horizon) > 0
      and ${invalidations.xid} < (select xid from horizon) and pg_visible_in_snapshot(${invalidations.xid}, (select since from horizon))
    limit ${param('rows', 'int')}
    for update skip locked`
  const trimmed = cte('trimmed')`
    delete from ${invalidations} where ${isOneOf(invalidations, 'outdated')}
    returning 1`
  // Delete rows of another cluster. No remaining entry can depend on them.
  const dropped = cte('dropped')`
    delete from ${invalidations} as i
    where exists (select from finished where resets) and i.xid >= ${xmax}
      and i.xid is distinct from pg_current_xact_id_if_assigned()
    returning 1`

  /** True if the next statement would find more rows to delete. */
  const trims = sql`(select count(*) from outdated) = ${param('rows', 'int')}`
  return {
    /**
     * True if another run seemed to hold the lock. Two runs that check at the same instant can each see the other hold
     * it.
     */
    isLockedByOther: sql`not exists (select from turn)`,
    ctes: [
      ...[opened, cleanupLock, known, step, scanned, invalidated, lockable, reached, remembered],
      ...[finished, raised, named, horizon, outdated, trimmed, dropped],
    ] as const,
    hasMore: sql`(exists (select from opened) or exists (select from reached where next_run is not null) or ${trims})`,
    trims,
  }
}

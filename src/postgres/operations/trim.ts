/**
 * How the log of invalidations is trimmed, and entries of another cluster are dropped.
 *
 * A row of the log may go when no entry depends on it any more, now or later. A run of cleanup looks through all
 * entries in key order, in as many statements as it takes, removes those that a tag rejects, and remembers the snapshot
 * of its beginning, `since`. When it has come to the end and had to leave none, it records the horizon `h since` and
 * deletes the rows that were noted by transactions before `h` which `since` could see. From the horizon's commit on,
 * readers reject what is from before `h` and was written by a transaction that `since` could not see (`rejected.ts`).
 *
 * Why no rejected entry can ever be answered with again. Take any reader's snapshot R, any entry E in it, made of data
 * as of S and written by W, and an invalidation x of one of its tags that R sees as committed and S does not. If R sees
 * the row of x, E is rejected. Otherwise R sees a statement that deleted it, hence also a horizon `h since` with x < h,
 * because both were committed together or the horizon before; let it be the latest that R sees. A horizon never falls
 * back, and what the one before rejected was removed before it was replaced. As S could not see x, xmin(S) ≤ x < h.
 * - `since` could not see W: E is rejected by the horizon. When E arrived, and how long its statement or its transaction
 *   has run, does not matter; no clock is involved.
 * - `since` could see W: then E was there in every snapshot from `since` on, under the same key. The statement that
 *   looked at that key did not begin before `since`, and x had been committed by then (it is visible to `since`), so E
 *   was rejected by x or by an earlier horizon, and was removed; or it was left, and there is no horizon of this run. A
 *   touch in between changes neither S nor W nor the key. What was written in between has another W.
 *
 * The statements of a run agree on it through one row of `cache_state`: a statement acts only if it holds that row's
 * lock, and if the row is still what the statement's own snapshot shows; so it sees all that `since` could see. A run
 * does not begin in a transaction that looks finished to its own snapshot, as one of several statements can, for what
 * that transaction writes later would look as if it had been looked at.
 *
 * `h` is what was the oldest running transaction when an earlier run noted it, ten minutes ago or more. That is not for
 * safety, but so that a computation that takes less than ten minutes is never refused in vain.
 *
 * After a dump was restored into another cluster, where transaction ids start elsewhere, comparisons mean nothing. There
 * a run removes all tagged entries, and its horizon is the whole past of `since`.
 */

import { type SQL, sql } from 'drizzle-orm'
import { CLUSTER_IDENTITY } from '../../schema/cluster.ts'
import type { CacheTables } from '../../schema/index.ts'
import { TAG_STATE } from '../../schema/rejected.ts'
import type { QueryDatabase } from '../database.ts'
import { param } from './fragments.ts'
import { unfitEntries } from './unfit.ts'

const name = (of: keyof typeof TAG_STATE): SQL => sql.raw(`'${TAG_STATE[of]}'`)

/** What a computation may take without being refused because the log was trimmed meanwhile. */
const NOTED_FOR = sql.raw(`interval '10 minutes'`)

const xmin = sql.raw('pg_snapshot_xmin(pg_current_snapshot())')
const xmax = sql.raw('pg_snapshot_xmax(pg_current_snapshot())')

/** The CTEs of one part of a run, in order, and what is told of it. */
export function trim(db: QueryDatabase, tables: CacheTables) {
  const { invalidations, state } = tables
  const recorded = (of: keyof typeof TAG_STATE) => sql`(select s.value from ${state} as s where s.name = ${name(of)})`

  // Where `migrate` has not made it; the next statement finds it.
  const opened = db.$with('opened', {}).as(sql`
    insert into ${state} (name, value) select ${name('cleanup')}, '{}' where ${recorded('cleanup')} is null
    on conflict do nothing
    returning 1`)
  // Nobody's turn where another holds it, or has changed it since this statement's snapshot.
  const turn = db.$with('turn', {}).as(sql`
    select s.value::jsonb as memory, s.updated_at from ${state} as s
    where s.name = ${name('cleanup')} and s.xmin = (select s.xmin from ${state} as s where s.name = ${name('cleanup')})
    for update skip locked`)
  const known = db.$with('known', {}).as(sql`
    select memory -> 'pass' as pass, (memory ->> 'noted')::xid8 as noted, id.cluster, id.recorded,
      coalesce(updated_at <= now() - ${NOTED_FOR}, false) as is_due,
      coalesce((memory ->> 'noted')::xid8 > ${xmax}, false) as is_backwards,
      coalesce(id.recorded <> id.cluster, false) as is_elsewhere,
      not pg_visible_in_snapshot(pg_current_xact_id(), pg_current_snapshot()) as may_begin
    from turn, (select ${sql.raw(CLUSTER_IDENTITY)} as cluster, ${recorded('cluster')} as recorded) as id`)
  const begun = (fields: SQL) =>
    sql`jsonb_build_object('since', pg_current_snapshot()::text, 'after', '', 'left', false, ${fields})`
  const step = db.$with('step', {}).as(sql`
    select known.*, case
        when is_backwards or (is_elsewhere and (pass ->> 'resets') is distinct from cluster)
          then case when may_begin then ${begun(sql`'resets', coalesce(cluster, ''), 'horizon', ${xmax}::text`)} end
        when pass is not null then pass
        when ${param('begin', 'boolean')} and may_begin and exists (select from ${invalidations})
          then ${begun(sql`'resets', null, 'horizon', case when is_due then noted::text end`)}
      end as run
    from known`)

  const { scanned, unfit, loose } = unfitEntries(
    db,
    tables,
    sql`${tables.entries.key} > (select run ->> 'after' from step)`,
    sql`(${tables.entries.tags} is not null and (select run ->> 'resets' from step) is not null)`,
  )
  const reached = db.$with('reached', {}).as(sql`
    select step.*, at.is_end, coalesce((run ->> 'left')::boolean, false) or at.has_left as has_left,
      case when is_backwards then run is not null else is_due or noted is null end as notes, case
        when at.is_end or run is null then null
        else run || jsonb_build_object('after', at.key, 'left', (run ->> 'left')::boolean or at.has_left)
      end as next_run
    from step, (
      select (select count(*) from scanned) < ${param('scan', 'int')} and unfit.count < ${param('batch', 'int')} as is_end,
        case when unfit.count < ${param('batch', 'int')} then (select max(key) from scanned) else unfit.last end as key,
        unfit.count > (select count(*) from loose) as has_left
      from (select count(*) as count, max(key) as last from unfit) as unfit
    ) as at`)
  const remembered = db.$with('remembered', {}).as(sql`
    update ${state} as s
    set updated_at = case when notes then now() else s.updated_at end, value = jsonb_strip_nulls(jsonb_build_object(
      'pass', next_run, 'noted', case when notes then ${xmin} else noted end::text))::text
    from reached
    where s.name = ${name('cleanup')} and (run is not null or notes)
    returning 1`)

  const finished = db.$with('finished', {}).as(sql`
    select (run ->> 'horizon')::xid8 as horizon, (run ->> 'since')::pg_snapshot as since,
      run ->> 'resets' is not null as resets
    from reached
    where run is not null and is_end and not has_left and (
      run ->> 'resets' is not null
      -- A reset may have set one that is ahead of what was noted.
      or (run ->> 'horizon')::xid8 >= coalesce(split_part(${recorded('horizon')}, ' ', 1)::xid8, '0'))`)
  const raised = db.$with('raised', {}).as(sql`
    insert into ${state} as s (name, value)
    select ${name('horizon')}, horizon::text || ' ' || since::text from finished
    on conflict (name) do update set value = excluded.value, updated_at = now()
    returning s.value`)
  const named = db.$with('named', {}).as(sql`
    insert into ${state} (name, value)
    select ${name('cluster')}, cluster from reached
    where cluster is not null
      and ((recorded is null and not is_backwards) or exists (select from finished where resets))
    on conflict (name) do update set value = excluded.value, updated_at = now()
    returning 1`)

  // The horizon of another cluster says nothing about this one's rows.
  const horizon = db.$with('horizon', {}).as(sql`
    select split_part(value, ' ', 1)::xid8 as xid, split_part(value, ' ', 2)::pg_snapshot as since
    from (
      select value from raised
      union all
      select ${recorded('horizon')} from step
      where not exists (select from raised) and not is_backwards and not is_elsewhere and run ->> 'resets' is null
        -- Otherwise each part of a run would read the whole log.
        and (${param('begin', 'boolean')} or run is null)
    ) as current
    where value is not null`)
  const outdated = db.$with('outdated', {}).as(sql`
    select i.ctid as id from ${invalidations} as i
    where (select count(*) from horizon) > 0
      and i.xid < (select xid from horizon) and pg_visible_in_snapshot(i.xid, (select since from horizon))
    limit ${param('rows', 'int')}
    for update skip locked`)
  const trimmed = db.$with('trimmed', {}).as(sql`
    delete from ${invalidations} where ctid = any (array(select id from outdated))
    returning 1`)
  // Rows of another cluster; no entry is left that could depend on one.
  const dropped = db.$with('dropped', {}).as(sql`
    delete from ${invalidations} as i
    where exists (select from finished where resets) and i.xid >= ${xmax}
      and i.xid is distinct from pg_current_xact_id_if_assigned()
    returning 1`)

  return {
    /** Whether another run had the turn: two that look at the same instant may each take the other for it. */
    isOthersTurn: sql`not exists (select from turn)`,
    ctes: [
      ...[opened, turn, known, step, scanned, unfit, loose, reached, remembered],
      ...[finished, raised, named, horizon, outdated, trimmed, dropped],
    ] as const,
    hasMore: sql`(exists (select from opened) or exists (select from reached where next_run is not null)
      or (select count(*) from outdated) = ${param('rows', 'int')})`,
  }
}

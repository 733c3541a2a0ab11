/** Resets tags if the tables moved to another cluster, or if the cluster's transaction ids went back. */
import { CLUSTER_IDENTITY } from '../schema/cluster.ts'
import { FIRST_ROW, hasFutureNotes, isCopied } from '../schema/foreign-rows.ts'
import { TAG_STATE } from '../schema/rejected.ts'
import { escapeFormat, literal } from '../schema/sql-text.ts'
import type { TableNames } from '../schema/table-names.ts'
import { homeTable, runBlock } from './home-sql.ts'

/** A snapshot from before the first transaction. */
const NOTHING_SEEN = '3:3:'

/**
 * After a dump is restored into another cluster, transaction ids start elsewhere, and comparing old ids with new ones
 * means nothing. So this step deletes tagged entries and the log. The new horizon refuses values that were computed
 * before this step and are stored after it (see `trim.ts`).
 *
 * Not every role may read the cluster's identity. So this step also resets tags if the rows were copied here, or if a
 * row is from the future because ids ran backwards. No index has the snapshots of entries. So only a role that may not
 * read the identity reads all entries. It reads them only once, because from then on the state shows whether it was
 * copied.
 */
export function clusterStep(tables: TableNames): string {
  const names = {
    entries: homeTable(tables.entries),
    leases: homeTable(tables.leases),
    log: homeTable(tables.invalidations),
    changes: homeTable(tables.changes),
    state: homeTable(tables.state),
  }
  const { entries, leases, log, changes, state } = names
  const [horizon, cleanup] = [TAG_STATE.horizon, TAG_STATE.cleanup].map(literal)
  const [cluster, home] = [TAG_STATE.cluster, TAG_STATE.home].map(literal)
  const xmax = 'pg_snapshot_xmax(pg_current_snapshot())'
  const declarations = `here text := ${escapeFormat(CLUSTER_IDENTITY)};
  recorded text := (select value from ${state} where name = ${cluster});
  is_copied boolean := ${isCopied(state)};
  is_elsewhere boolean := coalesce(recorded <> here, here is null and is_copied, false) or ${hasFutureNotes(names)};
`
  const body = `if here is null and is_copied is null and not is_elsewhere then
    is_elsewhere := exists (select from ${entries} where tags is not null and pg_snapshot_xmax(filled_at) > ${xmax});
  end if;
  if is_elsewhere then
    lock table ${leases}, ${entries}, ${log} in share row exclusive mode;
    delete from ${leases} where xid >= ${xmax} and xid is distinct from pg_current_xact_id_if_assigned();
    delete from ${entries} where tags is not null;
    delete from ${log};
    delete from ${changes} where xid >= ${xmax} and xid is distinct from pg_current_xact_id_if_assigned();
    -- The snapshot sees nothing: no entry has been looked at, and none is left.
    insert into ${state} (name, value)
    values (${horizon}, ${xmax}::text || ' ${NOTHING_SEEN}')
    on conflict (name) do update set value = excluded.value, updated_at = now();
    update ${state} set value = '{}', updated_at = now() where name = ${cleanup};
  end if;
  if here is not null and (recorded is null or is_elsewhere) then
    insert into ${state} (name, value) values (${cluster}, here)
    on conflict (name) do update set value = excluded.value, updated_at = now();
  end if;
  if coalesce(is_copied, true) then
    insert into ${state} (name, value) select ${home}, first.xmin::text from ${state} as first where first.name = ${FIRST_ROW}
    on conflict (name) do update set value = excluded.value, updated_at = now();
  end if;
  if not exists (select from ${state} where name = ${cleanup}) then
    insert into ${state} (name, value) values (${cleanup}, '{}') on conflict do nothing;
  end if;`
  return `-- Whose transaction ids these are.\n${runBlock(`declare\n  ${declarations}begin\n  ${body}\nend`)}`
}

/** Resets tags if the tables are in another cluster than before. */
import { CLUSTER_IDENTITY } from '../schema/cluster.ts'
import type { CacheTables } from '../schema/index.ts'
import { TAG_STATE } from '../schema/rejected.ts'
import { literal, verbatim } from '../schema/sql-text.ts'
import { placed, runBlock } from './home-sql.ts'

/** A snapshot from before the first transaction. */
const NOTHING_SEEN = '3:3:'

/**
 * After a dump is restored into another cluster, transaction ids start elsewhere, and comparisons with them mean nothing. So
 * tagged entries and the log are deleted. The same happens if ids ran backwards, because not every role may read which
 * cluster this is. The new horizon refuses values that were computed before and are stored later (see `trim.ts`).
 */
export function clusterStep(tables: CacheTables): string {
  const [entries, log, state] = [tables.entries, tables.invalidations, tables.state].map(placed)
  const [horizon, cleanup, cluster] = [TAG_STATE.horizon, TAG_STATE.cleanup, TAG_STATE.cluster].map(literal)
  const declarations = `here text := ${verbatim(CLUSTER_IDENTITY)};
  recorded text := (select value from ${state} where name = ${cluster});
  noted xid8 := (select (value::jsonb ->> 'noted')::xid8 from ${state} where name = ${cleanup});
  is_elsewhere boolean := coalesce(recorded <> here, false)
    or coalesce(noted > pg_snapshot_xmax(pg_current_snapshot()), false);
`
  const body = `if is_elsewhere then
    lock table ${entries}, ${log} in share row exclusive mode;
    delete from ${entries} where tags is not null;
    delete from ${log};
    -- The snapshot sees nothing: no entry has been looked at, and none is left.
    insert into ${state} (name, value)
    values (${horizon}, pg_snapshot_xmax(pg_current_snapshot())::text || ' ${NOTHING_SEEN}')
    on conflict (name) do update set value = excluded.value, updated_at = now();
    update ${state} set value = '{}', updated_at = now() where name = ${cleanup};
  end if;
  if here is not null and (recorded is null or is_elsewhere) then
    insert into ${state} (name, value) values (${cluster}, here)
    on conflict (name) do update set value = excluded.value, updated_at = now();
  end if;
  if not exists (select from ${state} where name = ${cleanup}) then
    insert into ${state} (name, value) values (${cleanup}, '{}') on conflict do nothing;
  end if;`
  return `-- Whose transaction ids these are.\n${runBlock(`declare\n  ${declarations}begin\n  ${body}\nend`)}`
}

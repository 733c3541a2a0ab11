/**
 * Locks for migrations under live traffic.
 *
 * A migration that waits for a table makes all later statements wait behind it. So it waits only for a moment, gives up
 * all its locks, and tries again. The wait is shorter than Postgres's `deadlock_timeout` (1 s). So in a deadlock the
 * migration gives way, and no statement of an application fails.
 */
import { ownTables } from '../schema/own-tables.ts'
import { literal } from '../schema/sql-text.ts'
import type { TableNames } from '../schema/table-names.ts'

/** The wait for one lock. Longer than most statements run, and too short for people to notice. */
const LOCK_WAIT_MS = 200
/** Long enough for Postgres to cancel an autovacuum. */
const VACUUM_WAIT_MS = 2_000
/** With the pauses, all tries together take half a minute. */
const LOCK_TRIES = 80
const MIN_PAUSE_SECONDS = 0.05
const MAX_PAUSE_SECONDS = 0.25

/** Variables that the steps need. */
export const LOCK_DECLARATIONS = `caller_lock_timeout pg_catalog.text := pg_catalog.current_setting('lock_timeout');
-- In milliseconds; null for no limit.
caller_wait pg_catalog.int4;
-- Tables that traffic may use, in the order in which statements lock their rows.
busy pg_catalog.text;`

/** Runs steps that change existing tables. They lock these tables first, with {@link lockStep}. */
export function withLockRetries(tables: TableNames, steps: string): string {
  const own = ownTables(tables)
  const inOrder = [tables.leases, tables.entries, tables.invalidations].map(
    (table, index) => `(${index}, found[${own.indexOf(table) + 1}], ${literal(table.tableName)})`,
  )
  return `busy := (
  select string_agg(format('%I.%I', home, t.name), ', ' order by t.position)
  from (values ${inOrder.join(', ')}) as t(position, id, name) where t.id is not null);
caller_wait := (select nullif(setting::int, 0) from pg_settings where name = 'lock_timeout');
perform set_config('lock_timeout', least(caller_wait, ${LOCK_WAIT_MS})::text, true);
for try in 1..${LOCK_TRIES} loop
begin
${steps}
exit;
exception when lock_not_available or deadlock_detected then
  -- All locks are given up here, so that statements that wait behind this migration go on.
  if try = ${LOCK_TRIES} then
    raise;
  end if;
  -- Postgres cancels an autovacuum only for a lock that waits for deadlock_timeout (1 s). This mode blocks no reads or writes.
  if try = 1 and busy is not null then
    begin
      perform set_config('lock_timeout', least(caller_wait, ${VACUUM_WAIT_MS})::text, true);
      execute 'lock table ' || busy || ' in share update exclusive mode';
      perform set_config('lock_timeout', least(caller_wait, ${LOCK_WAIT_MS})::text, true);
    exception when lock_not_available or deadlock_detected then
      -- What this block did is undone, the setting too.
    end;
  end if;
  perform pg_sleep(${MIN_PAUSE_SECONDS} + random() * ${MAX_PAUSE_SECONDS - MIN_PAUSE_SECONDS});
end;
end loop;
perform set_config('lock_timeout', caller_lock_timeout, true);`
}

/**
 * Locks all busy tables at once. If each change locked only its own table, the first table would be locked during all
 * later waits.
 */
export function lockStep(mode: 'access exclusive' | 'share row exclusive'): string {
  return `if busy is not null then
  execute 'lock table ' || busy || ' in ${mode} mode';
end if;`
}

/**
 * Installs the routines, and drops the sets of other versions once nothing can need them.
 *
 * For each set, the state has a row with its functions and with the time at which another version replaced it. A
 * replaced set stays for some time, because two releases can run side by side.
 */

import { ROUTINE_VERSION } from '../postgres/routines/generated.ts'
import { FIRST_LINE, ROUTINE_SETTINGS, type Routine, signatureOf } from '../postgres/routines/routine.ts'
import { routineName } from '../postgres/routines/routine-call.ts'
import { compileRoutines } from '../postgres/routines/routine-set.ts'
import { dollarQuoted, escapeFormat, literal } from '../schema/sql-text.ts'
import type { TableNames } from '../schema/table-names.ts'
import { FOREIGN_FUNCTION_SQLSTATE } from './changes-sql.ts'
import { homeTable, runBlock } from './home-sql.ts'
import { isOwnRole, isTrusted } from './trust-sql.ts'

/** Starts the names of the state's rows for sets; the version follows. */
export const SET = 'routines '

/** Variables that the steps need. */
export const ROUTINE_DECLARATIONS = `routine pg_catalog.record;
installed pg_catalog.record;
is_installed pg_catalog.bool;
routine_settings pg_catalog.text := '';`

export interface RoutineOptions {
  /** False installs no routine and drops all. */
  readonly isWanted: boolean
  /** How many days a set stays after another version replaced it. */
  readonly retentionDays: number
}

/**
 * Builds the steps that install routines, and the steps that record them and drop other sets. Only the latter need the
 * state table.
 */
export function routineSteps(tables: TableNames, { isWanted, retentionDays }: RoutineOptions) {
  const routines = isWanted ? compileRoutines(tables) : []
  return {
    install: isWanted ? installSteps(tables, routines) : '',
    record: `${recordStep(tables, routines)}\n\n${dropStep(tables, isWanted ? retentionDays : 0)}`,
  }
}

const settingRows = Object.entries(ROUTINE_SETTINGS)
  .map(([name, setting]) => `(${literal(name)}, ${literal(setting)})`)
  .join(', ')

function installSteps(tables: TableNames, routines: readonly Routine[]): string {
  return `-- Routines: the statements of the cache, compiled. A session keeps the plan of a routine, also over HTTP.
select coalesce(string_agg(format(' set %I = %L', s.name, s.setting), ''), '') into routine_settings
from (values ${settingRows}) as s(name, setting)
where exists (select from pg_settings as p where p.name = s.name and p.context = 'user');
for routine in select * from (values
${routines.map((routine) => rowOf(tables, routine)).join(',\n')}
) as r(name, parameters, columns, body) loop
  is_installed := false;
  -- More than one if a role added another with other parameters.
  for installed in select p.oid, ${isOwnRole('p.proowner')} as is_own, p.prosrc = routine.body and ${runsAsRoutine('p')}
      and pg_get_function_identity_arguments(p.oid) = routine.parameters and ${isTrusted('p.proowner')} as is_right
    from pg_proc as p where p.pronamespace = to_regnamespace(quote_ident(home)) and p.proname = routine.name loop
    if installed.is_right then
      is_installed := true;
    elsif not installed.is_own then
      raise exception 'pgstash cannot migrate this' using errcode = '${FOREIGN_FUNCTION_SQLSTATE}';
    else
      execute format('drop routine %s', installed.oid::regprocedure);
    end if;
  end loop;
  continue when is_installed;
  execute format('create function %I.%I(%s) returns table (%s) language plpgsql%s as %L',
    home, routine.name, routine.parameters, routine.columns, routine_settings, routine.body);
end loop;`
}

/** SQL: true if a function of `pg_proc` has the properties of a routine, regardless of its body. */
export function runsAsRoutine(installed: string): string {
  return `(not ${installed}.prosecdef and ${installed}.provolatile = 'v' and not ${installed}.proisstrict
      and ${installed}.prolang = (select l.oid from pg_language as l where l.lanname = 'plpgsql'))`
}

function rowOf(tables: TableNames, routine: Routine): string {
  const { parameters, columns } = signatureOf(routine)
  const name = routineName(tables, routine.name)
  return `(${[literal(name), literal(parameters), literal(columns), dollarQuoted(routine.body)].join(', ')})`
}

/** Writes a row only if it differs, because a role that migrates again may have no right to write this table. */
function recordStep(tables: TableNames, routines: readonly Routine[]): string {
  const state = homeTable(tables.state)
  const own = escapeFormat(literal(`${SET}${ROUTINE_VERSION}`))
  const set = escapeFormat(
    literal(JSON.stringify({ functions: routines.map(({ name }) => routineName(tables, name)) })),
  )
  const isReplaced = `${ofSets(`not value::jsonb ? 'replacedAt'`)}${routines.length === 0 ? '' : ` and name <> ${own}`}`
  const record = `if not exists (select from ${state} where name = ${own} and value = ${set}) then
    insert into ${state} (name, value) values (${own}, ${set})
    on conflict (name) do update set value = excluded.value, updated_at = now();
  end if;`
  return runBlock(`begin
  if exists (select from ${state} where ${isReplaced}) then
    update ${state} set updated_at = now(), value = (value::jsonb || jsonb_build_object('replacedAt', now()))::text
    where ${isReplaced};
  end if;
  ${routines.length === 0 ? '' : record}
end`)
}

/**
 * Drops only functions that look like routines of this cache, because roles that use the cache may write the state.
 *
 * Functions of another role stay, and so does the row of their set.
 */
function dropStep(tables: TableNames, retentionDays: number): string {
  const state = homeTable(tables.state)
  const isOutdated = ofSets(
    `(value::jsonb ->> 'replacedAt')::timestamptz <= now() - ${retentionDays} * interval '1 day'`,
  )
  const installed = `${state}, jsonb_array_elements_text(case when ${isOutdated} then value::jsonb -> 'functions' else '[]' end) as f, pg_proc as p
  where p.pronamespace = to_regnamespace(quote_ident(%1$L)) and p.proname = f.value and ${isRoutine(tables, 'p')}`
  return `for installed in execute format(${dollarQuoted(`select p.oid from ${installed} and ${isOwnRole('p.proowner')}`)}, home) loop
  execute format('drop routine %s', installed.oid::regprocedure);
end loop;
${runBlock(`begin
  if exists (select from ${state} where ${isOutdated}) and not exists (select from ${installed})
    and has_table_privilege(format('%%I.%%I', %1$L, ${escapeFormat(literal(tables.state.tableName))}), 'delete') then
    delete from ${state} where ${isOutdated};
  end if;
end`)}`
}

/** Limits a condition to the rows of sets. The `case` is needed because the values of other rows are not JSON. */
function ofSets(condition: string): string {
  return `case when name like '${SET}%%' then ${condition} else false end`
}

/** SQL: true if a function of `pg_proc` has the name and the first line of a routine of this cache, in any version. */
function isRoutine({ prefix }: TableNames, installed: string): string {
  return `starts_with(${installed}.proname, ${escapeFormat(literal(`${prefix}cache_`))}) and ${installed}.proname ~ '_[0-9a-f]{8}$'
    and starts_with(${installed}.prosrc, ${literal(FIRST_LINE)})`
}

/**
 * Installs the routines, and drops sets of other versions that nobody can need any more.
 *
 * A row of the state per set says which functions it has, and since when another version replaced it. Deploys of two
 * releases can run side by side, so a set stays for some time after that.
 */
import { ROUTINE_VERSION } from '../postgres/routines/generated.ts'
import { type Routine, signatureOf } from '../postgres/routines/routine.ts'
import { routineName } from '../postgres/routines/routine-call.ts'
import { compileRoutines } from '../postgres/routines/routine-set.ts'
import type { CacheTables } from '../schema/index.ts'
import { dollarQuoted, literal, verbatim } from '../schema/sql-text.ts'
import { FOREIGN_FUNCTION_SQLSTATE } from './changes-sql.ts'
import { placed, runBlock } from './home-sql.ts'
import { isOwnRole, isTrusted } from './trust-sql.ts'

/** Variables that the steps need. */
export const ROUTINE_DECLARATIONS = `routine record;
installed record;
without_jit pg_catalog.text := '';`

export interface RoutineOptions {
  /** False installs none and drops all. */
  readonly isWanted: boolean
  /** The days for which a set stays after another version replaced it. */
  readonly retentionDays: number
}

export function routineSteps(tables: CacheTables, { isWanted, retentionDays }: RoutineOptions): string[] {
  const routines = isWanted ? compileRoutines(tables) : []
  return [
    ...(isWanted ? [installSteps(tables, routines)] : []),
    recordStep(tables, routines),
    dropStep(tables, isWanted ? retentionDays : 0),
  ]
}

function installSteps(tables: CacheTables, routines: readonly Routine[]): string {
  return `-- Routines: the statements of the cache, compiled, for drivers that cannot keep them prepared.
if exists (select from pg_settings where name = 'jit' and context = 'user') then
  -- No statement of the cache gains from it, and a wrong estimate would compile it anew for each call.
  without_jit := ' set jit = off';
end if;
for routine in select * from (values
${routines.map((routine) => rowOf(tables, routine)).join(',\n')}
) as r(name, parameters, columns, body) loop
  select p.oid, p.prosrc = routine.body and not p.prosecdef and ${isTrusted('p.proowner')} as is_right,
    ${isOwnRole('p.proowner')} as is_own into installed
  from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = home and p.proname = routine.name;
  continue when installed.is_right;
  if installed.oid is not null then
    if not installed.is_own then
      raise exception 'pgstash cannot migrate this' using errcode = '${FOREIGN_FUNCTION_SQLSTATE}';
    end if;
    execute format('drop routine %s', installed.oid::regprocedure);
  end if;
  execute format('create function %I.%I(%s) returns table (%s) language plpgsql%s as %L',
    home, routine.name, routine.parameters, routine.columns, without_jit, routine.body);
end loop;`
}

function rowOf(tables: CacheTables, routine: Routine): string {
  const { parameters, columns } = signatureOf(routine)
  const name = routineName(tables, routine.name)
  return `(${[literal(name), literal(parameters), literal(columns), dollarQuoted(routine.body)].join(', ')})`
}

/** Only writes what differs, because a role that migrates again may have no right to write this table. */
function recordStep(tables: CacheTables, routines: readonly Routine[]): string {
  const state = placed(tables.state)
  const own = verbatim(literal(`routines ${ROUTINE_VERSION}`))
  const set = verbatim(literal(JSON.stringify({ functions: routines.map(({ name }) => routineName(tables, name)) })))
  const isReplaced = `name like 'routines %%' and not value::jsonb ? 'replacedAt'${routines.length === 0 ? '' : ` and name <> ${own}`}`
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

function dropStep(tables: CacheTables, retentionDays: number): string {
  const state = placed(tables.state)
  const isOutdated = `s.name like 'routines %%' and (s.value::jsonb ->> 'replacedAt')::timestamptz <= now() - interval '${retentionDays} days'`
  const outdated = `select f.name
  from ${state} as s, jsonb_array_elements_text(s.value::jsonb -> 'functions') as f(name)
  where ${isOutdated}`
  return `for routine in execute format(${dollarQuoted(outdated)}, home) loop
  select p.oid, ${isOwnRole('p.proowner')} as is_own into installed
  from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = home and p.proname = routine.name;
  if installed.is_own then
    execute format('drop routine %s', installed.oid::regprocedure);
  end if;
end loop;
${runBlock(`begin
  if exists (select from ${state} as s where ${isOutdated}) then
    delete from ${state} as s where ${isOutdated};
  end if;
end`)}`
}

/**
 * Writes the triggers of watched tables as one statement.
 *
 * Each table has one function, in the schema of the cache's tables, which logs the table's tag. Dropping the function
 * removes all triggers of that table. The function does not check for an earlier row: the log's primary key keeps one
 * row per tag and transaction.
 *
 * The function runs with the rights of the role that watched the table, and with a fixed search path. So a role that
 * writes the table needs no right on the cache. The function's owner decides what every writer runs, and the log's
 * owner decides what runs when a row is added. So both must be the role that watches. The function checks the log's
 * owner at each write, because the owner of the schema could replace the table.
 *
 * If the log was dropped, the function does nothing. It checks this first, because catching the error would cost every
 * write a subtransaction with its own id.
 *
 * With `rows` the triggers have transition tables, and the function logs the tag of each row, before and after an
 * update. TRUNCATE has no transition tables, so its trigger reads the rows before they are removed.
 */

import { lockSteps } from '../migrate/home-sql.ts'
import { isCacheTable } from '../migrate/shape-sql.ts'
import { hasStrangeTrigger, isOwnRole, isTrusted } from '../migrate/trust-sql.ts'
import { ownTables } from '../schema/own-tables.ts'
import { guardedBlock, identifier, literal } from '../schema/sql-text.ts'
import { regclass, type TableNames } from '../schema/table-names.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import { relationOf, type Watchable } from './relation.ts'
import { tagBase } from './tags.ts'
import { keyColumn, noteRows, PRINTING, rowsFunction, SETTINGS, setting, tableFunction } from './watch-function.ts'

/** Why a table cannot be watched, by SQLSTATEs that Postgres itself does not use. */
export const REFUSALS: Readonly<Record<string, string>> = {
  PGSW1: 'Expected tables that exist, and that the role may see.',
  PGSW2:
    'Expected ordinary or partitioned tables, not views or foreign tables, because no trigger sees their changes. Watch the tables that a view reads. If you refresh a materialized view, invalidate its tag.',
  PGSW3: "Expected tables of your own, not the cache's.",
  PGSW4:
    'Expected tables with a primary key, because `rows` needs it to tell rows apart. Add a primary key, or watch without `rows`.',
  PGSW5: 'Expected the tables of the cache to exist: run `pgstash migrate`, or migrate(db) from pgstash/migrate.',
  PGSW6:
    "Expected the cache's log, got another table of the same name. Choose a schema or prefix that only the cache uses, and migrate.",
  PGSW7:
    "Expected the cache's log to belong to the role that watches, a group of it, or a superuser: its owner could run code with that role's rights. The same holds for triggers on it. Watch as the role that owns the cache's tables, and drop triggers of others.",
  PGSW8:
    "Expected to see every row of the cache's log, but row-level security applies to the role that watches. Watch as the log's owner, without FORCE, or as a role with BYPASSRLS.",
  PGSW9:
    'Expected the functions of watched tables to belong to the role that watches: another role could replace them. Watch as the role that owns them, or have it or a superuser run `pgstash unwatch` first.',
}

/** Returns the prefix of the names of watched tables' functions. */
export function functionPrefix({ prefix }: TableNames): string {
  return `${prefix}cache_watch_`
}

function hashOf(table: Watchable): string {
  return bytesToHex(sha256(utf8ToBytes(tagBase(table)))).slice(0, 12)
}

/** Returns a readable name that `unwatchTables` accepts. */
function readableName(table: Watchable): string {
  const { schema = 'public', name } = relationOf(table)
  return [schema, name].map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : identifier(part))).join('.')
}

/** Returns an expression for the schema of the cache's functions: the schema of its log, or where the log would be. */
export function home(tables: TableNames): string {
  const fallback = tables.schema === undefined ? 'current_schema()' : literal(tables.schema)
  return `coalesce((
    select n.nspname::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = ${regclass(tables.invalidations)}), ${fallback})`
}

function relationText(table: Watchable): string {
  const { schema, name } = relationOf(table)
  return schema === undefined ? identifier(name) : `${identifier(schema)}.${identifier(name)}`
}

/** Returns the settings of each table as rows, which the block loops over. */
function itemsSql(given: readonly Watchable[], tables: TableNames): string {
  const list = given.map((table, index) => {
    return {
      at: index + 1,
      tag: `table:${tagBase(table)}`,
      row: `row:${tagBase(table)}:`,
      function: functionPrefix(tables) + hashOf(table),
      trigger: `pgstash_${bytesToHex(sha256(utf8ToBytes(`${tables.state.text} ${tagBase(table)}`))).slice(0, 12)}`,
      readable: readableName(table),
    }
  })
  return `jsonb_to_recordset(${literal(JSON.stringify(list))}::jsonb)
  as given(at int, tag text, "row" text, function text, trigger text, readable text)`
}

const refuse = (sqlState: keyof typeof REFUSALS) =>
  `raise exception 'pgstash cannot watch this' using errcode = '${sqlState}';`

/** Returns an array of the tables' OIDs, found on the caller's search path. */
const relationOids = (names: readonly string[]) =>
  `array[${names.map((name) => `pg_catalog.to_regclass(${literal(name)})`).join(', ')}]::pg_catalog.oid[]`

/** Creates the functions and triggers that are missing or differ. */
export function watchSql(given: readonly Watchable[], rows: boolean, tables: TableNames): string {
  const settings = [...SETTINGS, ...(rows ? PRINTING : [])]
  const body = rows
    ? `select string_agg(format(${literal(keyColumn)}, a.attname), ' || '','' || ' order by k.position) into key
    from pg_index as i, unnest(i.indkey) with ordinality as k(number, position), pg_attribute as a
    where i.indrelid = relation and i.indisprimary and a.attrelid = relation and a.attnum = k.number;
  if key is null then
    ${refuse('PGSW4')}
  end if;
  body := format(${literal(rowsFunction)}, log, item.tag,
    format(${literal(noteRows('written'))}, log, item."row", key),
    format(${literal(noteRows('removed'))}, log, item."row", key), log, item."row", key);`
    : `body := format(${literal(tableFunction)}, log, item.tag);`
  return guardedBlock(
    `log_table pg_catalog.oid;
own pg_catalog.oid[];
relations pg_catalog.oid[];
log pg_catalog.text;
home pg_catalog.text;
item pg_catalog.record;
relation pg_catalog.oid;
member pg_catalog.record;
key pg_catalog.text;
body pg_catalog.text;
function pg_catalog.text;
event pg_catalog.text;
kind pg_catalog.int4;`,
    `select format('%I.%I', n.nspname, c.relname), n.nspname into log, home
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = log_table;
if log is null then
  ${refuse('PGSW5')}
elsif not ${isCacheTable(tables, tables.invalidations, 'log_table')} then
  ${refuse('PGSW6')}
elsif not ${isTrusted('(select relowner from pg_class where oid = log_table)')} or ${hasStrangeTrigger('log_table')} then
  ${refuse('PGSW7')}
elsif row_security_active(log_table) then
  ${refuse('PGSW8')}
end if;
-- In a fixed order, because each table stays locked until the end.
for item in select * from ${itemsSql(given, tables)} order by relations[given.at] loop
  relation := relations[item.at];
  if relation is null then
    ${refuse('PGSW1')}
  elsif relation = any (own) then
    ${refuse('PGSW3')}
  elsif (select relkind from pg_class where oid = relation) not in ('r', 'p') then
    ${refuse('PGSW2')}
  end if;
  ${body}
  function := format('%I.%I', home, item.function);
  if ${functionExists('not', isOwnRole('p.proowner'))} then
    ${refuse('PGSW9')}
  end if;
  if not ${functionExists(
    '',
    `p.prosrc = body and p.prosecdef and p.prokind = 'f' and p.prorettype = 'trigger'::regtype
    and p.prolang = (select oid from pg_language where lanname = 'plpgsql') and p.proconfig = array[${settings.map(literal).join(', ')}]
    and not exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee <> p.proowner)`,
  )} then
    execute format('create or replace function %s() returns trigger language plpgsql security definer ${settings
      .map(setting)
      .join(' ')
      .replaceAll("'", "''")} as %L', function, body);
    -- Default privileges may grant it to others. Whoever may execute it could put it on a table of their own.
    execute format('revoke all on function %s() from public', function);
    for member in select distinct a.grantee::regrole as role from pg_proc as p, aclexplode(p.proacl) as a
      where p.oid = to_regprocedure(function || '()') and a.grantee <> p.proowner
    loop
      execute format('revoke all on function %s() from %s', function, member.role);
    end loop;
    execute format('comment on function %s() is %L', function,
      jsonb_build_object('table', item.readable, 'rows', ${rows})::text);
    -- Again, because "or replace" leaves a function to an owner that made it meanwhile.
    if ${functionExists('not', isOwnRole('p.proowner'))} then
      ${refuse('PGSW9')}
    end if;
  end if;
  -- Writes straight to a partition fire the partition's triggers only.
  for member in
    with recursive family as (
      select relation as oid
      union
      select h.inhrelid from pg_inherits as h join family on h.inhparent = family.oid
    )
    select c.oid from family join pg_class as c on c.oid = family.oid where c.relkind in ('r', 'p') order by c.oid
  loop
    foreach event in array array['insert', 'update', 'delete', 'truncate'] loop
      -- As in pg_trigger.h: before, insert, delete, update, truncate.
      kind := case event when 'insert' then 4 when 'delete' then 8 when 'update' then 16 else ${rows ? '32 + 2' : '32'} end;
      if not exists (
        select from pg_trigger as t
        where t.tgrelid = member.oid and t.tgname = item.trigger || '_' || event
          and t.tgfoid = to_regprocedure(function || '()') and t.tgtype = kind and t.tgenabled in ('O', 'A')
          and t.tgqual is null and t.tgnargs = 0 and cardinality(t.tgattr::int2[]) = 0
          and (t.tgoldtable is not null) = (${rows} and event in ('update', 'delete'))
          and (t.tgnewtable is not null) = (${rows} and event in ('update', 'insert'))
      ) then
        execute format('create or replace trigger %I %s %s on %s %s for each statement execute function %s()',
          item.trigger || '_' || event, ${rows ? `case event when 'truncate' then 'before' else 'after' end` : `'after'`},
          event, member.oid::regclass, ${
            rows
              ? `case event
            when 'insert' then 'referencing new table as written'
            when 'update' then 'referencing old table as removed new table as written'
            when 'delete' then 'referencing old table as removed'
            else '' end`
              : `''`
          }, function);
      end if;
    end loop;
  end loop;
end loop;`,
    `${lockSteps(tables)}log_table := ${regclass(tables.invalidations)};
own := ${relationOids(ownTables(tables).map((table) => table.text))};
relations := ${relationOids(given.map(relationText))};
`,
  )
}

/**
 * Returns a condition: the function exists and meets `condition`. Only one function without arguments can have a name.
 */
function functionExists(not: '' | 'not', condition: string): string {
  return `exists (
    select from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = home and p.proname = item.function and p.pronargs = 0 and ${not} (${condition}))`
}

/**
 * Drops the functions of some tables, or of all, and their triggers. The tables need not exist any more.
 *
 * It drops functions of any owner if the role may. That is how to remove a function that another role has planted.
 */
export function unwatchSql(given: readonly Watchable[] | 'all', tables: TableNames): string {
  const names =
    given === 'all'
      ? `select p.proname::text as function from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = home and ${isWatchFunction(tables, 'p')}`
      : `select given.function from ${itemsSql(given, tables)}`
  return guardedBlock(
    `log_table pg_catalog.oid;
home pg_catalog.text := ${tables.schema === undefined ? 'pg_catalog.current_schema()' : literal(tables.schema)};
item pg_catalog.record;`,
    `home := coalesce((
  select n.nspname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = log_table), home);
for item in ${names} loop
  execute format('drop routine if exists %I.%I() cascade', home, item.function);
end loop;`,
    `${lockSteps(tables)}log_table := ${regclass(tables.invalidations)};\n`,
  )
}

/** Returns a condition: this file created the function, and it is not a user's function with the same prefix. */
export function isWatchFunction(tables: TableNames, p: string): string {
  const prefix = functionPrefix(tables)
  return `starts_with(${p}.proname, ${literal(prefix)}) and substr(${p}.proname, ${[...prefix].length + 1}) ~ '^[0-9a-f]{12}$'
    and ${p}.pronargs = 0 and ${p}.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype`
}

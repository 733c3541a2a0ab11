/**
 * The triggers of watched tables, as one statement.
 *
 * For each table there is one function, in the schema of the cache's tables, which notes the table's tag in the log; so
 * that dropping it removes all triggers of that table. It does not ask what the transaction did before: the log's primary
 * key keeps one row for each tag and transaction. It runs with the rights of who watched the table, and with a fixed
 * search path: a role that writes the table needs no right on the cache. Where the log was dropped it does nothing. That
 * is asked beforehand: catching the error would make a subtransaction, with an id of its own, of every write.
 *
 * With `rows` the triggers have transition tables, and the function notes each row's tag, of before and after an update.
 * TRUNCATE has none: there the rows are read before they go.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import { doBlock, identifier, literal, qualified, regclass } from '../migrate/sql-text.ts'
import type { CacheTables } from '../schema.ts'
import { MAX_KEY_BYTES } from '../values/key.ts'
import { relationOf, type Watchable } from './relation.ts'
import { tagBase } from './tags.ts'

/** Why a table cannot be watched; SQLSTATEs that Postgres does not have. */
export const REFUSALS: Readonly<Record<string, string>> = {
  PGSW1: 'Expected tables that exist, and that the role may see.',
  PGSW2:
    'Expected ordinary or partitioned tables, no views and no foreign tables, whose changes no trigger sees. Watch the tables that a view reads; where a materialized view is refreshed, invalidate its tag.',
  PGSW3: "Expected tables of your own, not the cache's.",
  PGSW4: 'Expected tables with a primary key, as rows are to be told apart by it.',
  PGSW5: 'Expected the tables of the cache to exist: run `pgstash migrate`, or migrate(db) from pgstash/migrate.',
}

const HASH_HEX = 64
/** What is left of a tag that is too long, before the mark and the hash: as `values/key.ts` has it. */
const READABLE_BYTES = MAX_KEY_BYTES - HASH_HEX - 1
/** A character of UTF-8 takes at most so many bytes. */
const MAX_CHARACTER_BYTES = 4

/** What the function of a watched table is called, but for its end. */
export function functionPrefix({ prefix }: CacheTables): string {
  return `${prefix}cache_watch_`
}

function hashOf(table: Watchable): string {
  return bytesToHex(sha256(utf8ToBytes(tagBase(table)))).slice(0, 12)
}

/** A name that `unwatchTables` understands, and people can read. */
function readable(table: Watchable): string {
  const { schema = 'public', name } = relationOf(table)
  return [schema, name].map((part) => (/^[a-z_][a-z0-9_]*$/.test(part) ? part : identifier(part))).join('.')
}

/** The schema of the cache's functions: that of its log, or where that would be. */
export function home(tables: CacheTables): string {
  const fallback = tables.schema === undefined ? 'current_schema()' : literal(tables.schema)
  return `coalesce((
    select n.nspname::text from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.oid = ${regclass(tables, tables.invalidations)}), ${fallback})`
}

/** What is asked of each table, as JSON, and loops over it. */
function items(given: readonly Watchable[], tables: CacheTables): string {
  const list = given.map((table) => {
    const { schema, name } = relationOf(table)
    return {
      relation: schema === undefined ? identifier(name) : `${identifier(schema)}.${identifier(name)}`,
      tag: `table:${tagBase(table)}`,
      row: `row:${tagBase(table)}:`,
      function: functionPrefix(tables) + hashOf(table),
      trigger: `pgstash_${bytesToHex(sha256(utf8ToBytes(`${qualified(tables, tables.state)} ${tagBase(table)}`))).slice(0, 12)}`,
      readable: readable(table),
    }
  })
  return `jsonb_to_recordset(${literal(JSON.stringify(list))}::jsonb)
  as given(relation text, tag text, "row" text, function text, trigger text, readable text)`
}

const QUIET = `perform set_config('client_min_messages', 'warning', true);`

function lock(tables: CacheTables): string {
  return `perform pg_advisory_xact_lock(hashtextextended(${literal(`pgstash ${qualified(tables, tables.state)}`)}, 0));`
}

/** Postgres's form of a text of SQL in which `format` finds nothing to replace. */
const verbatim = (text: string) => text.replaceAll('%', '%%')

const isShort = `octet_length(t.bytes) < ${MAX_KEY_BYTES}
    or (octet_length(t.bytes) = ${MAX_KEY_BYTES} and t.tag !~ '#[0-9a-f]{${HASH_HEX}}$')`

/** Notes the rows of a source; `%1$s` is the log, `%2$L` what their tags begin with, `%3$s` the key's text. */
const noteRows = (source: string) => `insert into %1$s (tag)
  select case when ${verbatim(isShort)} then t.tag else (
      select convert_from(substring(t.bytes from 1 for max(at)), 'UTF8') || repeat('~', ${READABLE_BYTES} - max(at))
      from generate_series(${READABLE_BYTES - MAX_CHARACTER_BYTES + 1}, ${READABLE_BYTES}) as at
      where get_byte(t.bytes, at) & 192 <> 128
    ) || '#' || encode(sha256(t.bytes), 'hex') end
  from (
    select k.tag, convert_to(k.tag, 'UTF8') as bytes from (select %2$L || %3$s as tag from ${source} as r) as k
  ) as t
  on conflict do nothing`

/** A column of the key as text, with what separates columns escaped; `%1$I` is its name. Not a cast: that anyone can define. */
const keyColumn = verbatim(
  `replace(replace(format('%s', r.~), chr(92), chr(92) || chr(92)), ',', chr(92) || ',')`,
).replace('~', '%1$I')

const tableFunction = `begin
  if to_regclass(%1$L) is not null then
    insert into %1$s (tag) values (%2$L) on conflict do nothing;
  end if;
  return null;
end`

const rowsFunction = `begin
  if to_regclass(%1$L) is null then
    return null;
  end if;
  insert into %1$s (tag) values (%2$L) on conflict do nothing;
  if tg_op = 'TRUNCATE' then
    execute replace(%5$L, '<source>', tg_relid::regclass::text);
    return null;
  end if;
  if tg_op <> 'DELETE' then
    %3$s;
  end if;
  if tg_op <> 'INSERT' then
    %4$s;
  end if;
  return null;
end`

/** So that keys are printed alike whatever the session's settings are. */
const PRINTING = [
  `timezone = 'UTC'`,
  `datestyle = 'ISO, MDY'`,
  `intervalstyle = 'postgres'`,
  `bytea_output = 'hex'`,
  `extra_float_digits = 1`,
]

const refuse = (sqlState: keyof typeof REFUSALS) =>
  `raise exception 'pgstash cannot watch this' using errcode = '${sqlState}';`

/** Makes the functions and triggers that are not there as they should be. */
export function watchSql(given: readonly Watchable[], rows: boolean, tables: CacheTables): string {
  const own = [tables.entries, tables.leases, tables.invalidations, tables.state].map((table) =>
    regclass(tables, table),
  )
  const settings = [`search_path = pg_catalog, pg_temp`, ...(rows ? PRINTING : [])]
  const source = rows
    ? `select string_agg(format(${literal(keyColumn)}, a.attname), ' || '','' || ' order by k.position) into key
    from pg_index as i, unnest(i.indkey) with ordinality as k(number, position), pg_attribute as a
    where i.indrelid = relation and i.indisprimary and a.attrelid = relation and a.attnum = k.number;
    if key is null then
      ${refuse('PGSW4')}
    end if;
    body := format(${literal(rowsFunction)}, log, item.tag,
      format(${literal(noteRows('written'))}, log, item."row", key),
      format(${literal(noteRows('removed'))}, log, item."row", key),
      format(${literal(noteRows('<source>'))}, log, item."row", key));`
    : `body := format(${literal(tableFunction)}, log, item.tag);`
  return doBlock(
    `log text;
home text := ${home(tables)};
item record;
relation oid;
member record;
key text;
body text;
function text;
event text;`,
    `${QUIET}
${lock(tables)}
select format('%I.%I', n.nspname, c.relname) into log
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace where c.oid = ${regclass(tables, tables.invalidations)};
if log is null then
  ${refuse('PGSW5')}
end if;
-- In one order, because each is locked until the end.
for item in select * from ${items(given, tables)} order by to_regclass(given.relation)::oid loop
  relation := to_regclass(item.relation);
  if relation is null then
    ${refuse('PGSW1')}
  elsif relation in (${own.map((table) => `coalesce(${table}, 0)`).join(', ')}) then
    ${refuse('PGSW3')}
  elsif (select relkind from pg_class where oid = relation) not in ('r', 'p') then
    ${refuse('PGSW2')}
  end if;
  ${source}
  function := format('%I.%I', home, item.function);
  if body is distinct from (select prosrc from pg_proc where oid = to_regprocedure(function || '()')) then
    execute format('create or replace function %s() returns trigger language plpgsql security definer ${settings
      .map((setting) => `set ${setting}`)
      .join(' ')
      .replaceAll("'", "''")} as %L', function, body);
    execute format('revoke all on function %s() from public', function);
    execute format('comment on function %s() is %L', function,
      jsonb_build_object('table', item.readable, 'rows', ${rows})::text);
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
      if not exists (
        select from pg_trigger as t
        where t.tgrelid = member.oid and t.tgname = item.trigger || '_' || event
          and t.tgfoid = to_regprocedure(function || '()')
          and (t.tgtype & 2 <> 0 or t.tgoldtable is not null or t.tgnewtable is not null) = ${rows}
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
  )
}

/** Drops the functions of some tables, or of all, and with them their triggers. The tables need not exist any more. */
export function unwatchSql(given: readonly Watchable[] | 'all', tables: CacheTables): string {
  const names =
    given === 'all'
      ? `select p.proname::text as function from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where n.nspname = home and starts_with(p.proname, ${literal(functionPrefix(tables))})`
      : `select given.function from ${items(given, tables)}`
  return doBlock(
    `home text := ${home(tables)};
item record;`,
    `${QUIET}
${lock(tables)}
for item in ${names} loop
  execute format('drop function if exists %I.%I() cascade', home, item.function);
end loop;`,
  )
}

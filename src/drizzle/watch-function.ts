/** Templates of the watched tables' functions. The database formats each once, with names from its catalogue. */

import { isTrusted } from '../migrate/trust-sql.ts'
import { escapeFormat, literal } from '../schema/sql-text.ts'
import { MAX_KEY_BYTES } from '../values/key.ts'

const HASH_HEX = 64
/** The bytes of a long tag that stay readable before the mark and the hash, as in `values/key.ts`. */
const READABLE_BYTES = MAX_KEY_BYTES - HASH_HEX - 1
/** The most bytes of one UTF-8 character. */
const MAX_CHARACTER_BYTES = 4

const isShort = `octet_length(t.bytes) < ${MAX_KEY_BYTES}
    or (octet_length(t.bytes) = ${MAX_KEY_BYTES} and t.tag !~ '#[0-9a-f]{${HASH_HEX}}$')`

/** Logs the tags of a source's rows. `%1$s` is the log, `%2$L` the prefix of the tags, `%3$s` the key's text. */
export const noteRows = (source: string) => `insert into %1$s (tag)
  select case when ${escapeFormat(isShort)} then t.tag else (
      select convert_from(substring(t.bytes from 1 for max(at)), 'UTF8') || repeat('~', ${READABLE_BYTES} - max(at))
      from generate_series(${READABLE_BYTES - MAX_CHARACTER_BYTES + 1}, ${READABLE_BYTES}) as at
      where get_byte(t.bytes, at) & 192 <> 128
    ) || '#' || encode(sha256(t.bytes), 'hex') end
  from (
    select k.tag, convert_to(k.tag, 'UTF8') as bytes from (select %2$L || %3$s as tag from ${source} as r) as k
  ) as t
  on conflict do nothing`

/**
 * A column of the key as text, with the separator of columns escaped; `%1$I` is its name. It uses `format`, because any
 * role could define a cast.
 */
export const keyColumn = escapeFormat(
  `replace(replace(format('%s', r.~), chr(92), chr(92) || chr(92)), ',', chr(92) || ',')`,
).replace('~', '%1$I')

/**
 * The start of both functions; `%1$L` is the log. The cheap check comes first, because every write runs it. SECURITY
 * DEFINER makes the function's owner the current role.
 */
const findLog = `declare
  holder oid := (select c.relowner from pg_class as c where c.oid = to_regclass(%1$L));
begin
  if holder is null then
    return null;
  elsif pg_get_userbyid(holder) <> current_user and not ${escapeFormat(isTrusted('holder'))} then
    raise exception 'pgstash: the log of invalidations belongs to a role that the watched table''s triggers do not trust'
      using errcode = '42501', hint = 'Watch the table again, as the role that owns the cache''s tables.';
  end if;
  insert into %1$s (tag) values (%2$L) on conflict do nothing;`

export const tableFunction = `${findLog}
  return null;
end`

/**
 * `%3$s` and `%4$s` log the rows. For TRUNCATE, one `format` inserts names from the catalogue; no value is formatted
 * twice.
 */
export const rowsFunction = `${findLog}
  if tg_op = 'TRUNCATE' then
    execute format(${escapeFormat(literal(noteRows('%4$I.%5$I')))}, %5$L, %6$L, %7$L, tg_table_schema, tg_table_name);
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

/**
 * The functions' settings, as the catalogue shows them. With `row_security = off`, a statement fails if policies apply
 * to it. Otherwise policies could hide rows from the function.
 */
export const SETTINGS = ['search_path=pg_catalog, pg_temp', 'row_security=off']
/** Settings that make Postgres print keys the same way in every session. */
export const PRINTING = [
  'TimeZone=UTC',
  'DateStyle=ISO, MDY',
  'IntervalStyle=postgres',
  'bytea_output=hex',
  'extra_float_digits=1',
]
/** Returns the clause of a setting. A search path is a list of names; every other value is one text. */
export const setting = (text: string) =>
  text.startsWith('search_path=') ? `set ${text}` : `set ${text.replace('=', " = '")}'`

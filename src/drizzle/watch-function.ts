/** The functions of watched tables, as templates that the database formats once, with names from its catalogue. */

import { isTrusted } from '../migrate/trust-sql.ts'
import { literal, verbatim } from '../schema/sql-text.ts'
import { MAX_KEY_BYTES } from '../values/key.ts'

const HASH_HEX = 64
/** The bytes of a long tag that stay readable before the mark and the hash, as in `values/key.ts`. */
const READABLE_BYTES = MAX_KEY_BYTES - HASH_HEX - 1
/** A character of UTF-8 takes at most so many bytes. */
const MAX_CHARACTER_BYTES = 4

const isShort = `octet_length(t.bytes) < ${MAX_KEY_BYTES}
    or (octet_length(t.bytes) = ${MAX_KEY_BYTES} and t.tag !~ '#[0-9a-f]{${HASH_HEX}}$')`

/** Notes the rows of a source; `%1$s` is the log, `%2$L` what their tags begin with, `%3$s` the key's text. */
export const noteRows = (source: string) => `insert into %1$s (tag)
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
export const keyColumn = verbatim(
  `replace(replace(format('%s', r.~), chr(92), chr(92) || chr(92)), ',', chr(92) || ',')`,
).replace('~', '%1$I')

/**
 * Begins both functions; `%1$L` is the log. Asks the cheap question first, as every write does. SECURITY DEFINER makes the
 * function's owner the current role.
 */
const findLog = `declare
  holder oid := (select c.relowner from pg_class as c where c.oid = to_regclass(%1$L));
begin
  if holder is null then
    return null;
  elsif pg_get_userbyid(holder) <> current_user and not ${verbatim(isTrusted('holder'))} then
    raise exception 'pgstash: the log of invalidations belongs to a role that the watched table''s triggers do not trust'
      using errcode = '42501', hint = 'Watch the table again, as the role that owns the cache''s tables.';
  end if;
  insert into %1$s (tag) values (%2$L) on conflict do nothing;`

export const tableFunction = `${findLog}
  return null;
end`

/** `%3$s` and `%4$s` note the rows. TRUNCATE formats once, from the catalogue: no value is ever searched for another. */
export const rowsFunction = `${findLog}
  if tg_op = 'TRUNCATE' then
    execute format(${verbatim(literal(noteRows('%4$I.%5$I')))}, %5$L, %6$L, %7$L, tg_table_schema, tg_table_name);
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
 * What the functions are set to, as the catalogue has it. With `row_security = off` a statement that policies apply to
 * fails; otherwise they could hide rows from the function.
 */
export const SETTINGS = ['search_path=pg_catalog, pg_temp', 'row_security=off']
/** So that keys are printed alike whatever the session's settings are. */
export const PRINTING = [
  'TimeZone=UTC',
  'DateStyle=ISO, MDY',
  'IntervalStyle=postgres',
  'bytea_output=hex',
  'extra_float_digits=1',
]
/** A path is a list of names, and all others are one text. */
export const setting = (text: string) =>
  text.startsWith('search_path=') ? `set ${text}` : `set ${text.replace('=', " = '")}'`

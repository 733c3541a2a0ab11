/**
 * The triggers that log and tell which keys and tags were changed.
 *
 * Statement-level, with transition tables: a write of many keys is one insert into the log. A touch changes no value and
 * notes nothing; neither does cleanup, for what has expired no copy has either. They run with the rights of who migrated, so
 * that roles that write entries need no right on the log.
 */
import type { Table } from 'drizzle-orm'
import type { CacheTables } from '../schema.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { identifier, literal, qualified, regclass } from './sql-text.ts'

/** What NOTIFY takes is a little more; beyond it everything counts as changed. */
const MAX_PAYLOAD_BYTES = 7_900
/** Of identifiers, which channels are. */
const MAX_CHANNEL_BYTES = 63

export interface ChangeOptions {
  readonly log: boolean
  readonly channel: string | undefined
}

/** @throws InvalidOptionError */
export function checkedChannel(channel: unknown): string | undefined {
  if (channel === undefined || channel === false) return undefined
  if (typeof channel !== 'string' || channel === '' || new TextEncoder().encode(channel).length > MAX_CHANNEL_BYTES) {
    throw new InvalidOptionError(
      `Expected notify to be false or the name of a channel, of 1 to ${MAX_CHANNEL_BYTES} bytes, got ${describeType(channel)}.`,
    )
  }
  return channel
}

/** Which rows of a statement changed something, by what it did. */
const ENTRIES: Readonly<Record<string, string>> = {
  insert: `select 'key' as kind, key as name from new_rows`,
  update: `select 'key' as kind, n.key as name from new_rows as n join old_rows as o on o.key = n.key
    where n.written_by is distinct from o.written_by`,
  delete: `select 'key' as kind, key as name from old_rows where kept_until is null or kept_until > now()`,
  truncate: `select 'all' as kind, '' as name`,
}
const INVALIDATIONS: Readonly<Record<string, string>> = {
  insert: `select distinct 'tag' as kind, tag as name from new_rows`,
}

const ROWS: Readonly<Record<string, string>> = {
  insert: 'referencing new table as new_rows ',
  update: 'referencing old table as old_rows new table as new_rows ',
  delete: 'referencing old table as old_rows ',
  truncate: '',
}

/** Brings the triggers into the wanted state, and changes nothing where they are. */
export function changeSteps(tables: CacheTables, options: ChangeOptions): string[] {
  const sources = [
    [tables.entries, 'entries', ENTRIES],
    [tables.invalidations, 'invalidations', INVALIDATIONS],
  ] as const
  return sources.flatMap(([table, word, events]) =>
    Object.entries(events).map(([event, changed]) => eventStep(tables, { table, word, event, changed }, options)),
  )
}

interface Event {
  readonly table: Table
  readonly word: string
  readonly event: string
  readonly changed: string
}

function eventStep(tables: CacheTables, { table, word, event, changed }: Event, options: ChangeOptions): string {
  const bare = `${tables.prefix}cache_note_${word}_${event}`
  const schema = tables.schema === undefined ? '' : `${identifier(tables.schema)}.`
  const named = `${schema}${identifier(bare)}`
  if (!options.log && options.channel === undefined) return `drop function if exists ${named}() cascade;`
  const body = functionBody(tables, changed, options)
  return `create or replace function ${named}() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as ${literal(body)};
revoke execute on function ${named}() from public;
if not exists (select from pg_trigger where tgrelid = ${regclass(tables, table)} and tgname = ${literal(bare)}) then
  create trigger ${identifier(bare)} after ${event} on ${qualified(tables, table)} ${ROWS[event]}for each statement
    execute function ${named}();
end if;`
}

function functionBody(tables: CacheTables, changed: string, { log, channel }: ChangeOptions): string {
  // The function does not follow the search path: where there is no schema, that of the trigger's table is the one.
  const insert = `execute format('insert into %I.%I (kind, name) select kind, name from unnest($1, $2) as c(kind, name)
    order by kind, name collate "C" on conflict do nothing', tg_table_schema, ${literal(`${tables.prefix}cache_changes`)}) using kinds, names;`
  const notify = `payload := json_build_object('changed', (select json_agg(json_build_array(c.kind, c.name))
    from unnest(kinds, names) as c(kind, name)))::text;
  perform pg_notify(${literal(channel ?? '')}, case when octet_length(payload) <= ${MAX_PAYLOAD_BYTES} then payload else '{"isGap":true}' end);`
  return `
declare
  kinds text[];
  names text[];
  payload text;
begin
  select array_agg(c.kind), array_agg(c.name) into kinds, names from (${changed}) as c;
  if names is null then return null; end if;
  ${log ? insert : ''}
  ${channel === undefined ? '' : notify}
  return null;
end;`
}

/**
 * Installs the triggers that log changed keys and tags, and send them with NOTIFY.
 *
 * They are statement-level, with transition tables, so that a write of many keys is one insert into the log. A touch
 * logs nothing, because it changes no value. Cleanup logs nothing, because an expired entry has no live copy. The
 * triggers run with the rights of the role that migrated, so roles that write entries need no right on the log.
 */
import { escapeFormat, identifier, literal } from '../schema/sql-text.ts'
import type { NamedTable, TableNames } from '../schema/table-names.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { homeOid, homeTable, run } from './home-sql.ts'
import { lockStep } from './locks-sql.ts'
import { isOwnRole } from './trust-sql.ts'

/** A little less than the limit of NOTIFY. If the payload is longer, everything counts as changed. */
const MAX_PAYLOAD_BYTES = 7_900
/** A channel is an identifier, so this is the limit for identifiers. */
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

/** Raised if a function with one of these names belongs to another role. */
export const FOREIGN_FUNCTION_SQLSTATE = 'PGSFN'

/** Queries for the changed keys of a statement, by the kind of statement. */
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

/** Installs or removes the triggers. Changes nothing if they already match the options. */
export function changeSteps(tables: TableNames, options: ChangeOptions): string[] {
  const sources = [
    [tables.entries, 'entries', ENTRIES],
    [tables.invalidations, 'invalidations', INVALIDATIONS],
  ] as const
  return sources.flatMap(([table, word, events]) =>
    Object.entries(events).map(([event, changed]) => eventStep(tables, { table, word, event, changed }, options)),
  )
}

interface Event {
  readonly table: NamedTable
  readonly word: string
  readonly event: string
  readonly changed: string
}

function eventStep(tables: TableNames, { table, word, event, changed }: Event, options: ChangeOptions): string {
  const name = `${tables.prefix}cache_note_${word}_${event}`
  const placedName = `%1$I.${escapeFormat(identifier(name))}`
  const installed = (condition: string) => `exists (
  select from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
  where n.nspname = home and p.proname = ${literal(name)} and p.pronargs = 0 and ${condition})`
  if (!options.log && options.channel === undefined) {
    return `if ${installed('true')} then
  ${lockStep('access exclusive')}
  ${run(`drop routine ${placedName}() cascade`)}
end if;`
  }
  const body = functionBody(tables, changed, options)
  const refuseOthers = `if ${installed(`not ${isOwnRole('p.proowner')}`)} then
  raise exception 'pgstash cannot migrate this' using errcode = '${FOREIGN_FUNCTION_SQLSTATE}';
end if;`
  return `${refuseOthers}
if not ${installed(`p.prosrc = ${literal(body)} and p.prosecdef and p.prorettype = 'trigger'::regtype
  and p.proconfig = array['search_path=pg_catalog, pg_temp', 'row_security=off']
  and not exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) as a where a.grantee <> p.proowner)`)} then
  ${run(`create or replace function ${placedName}() returns trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp set row_security = off as ${escapeFormat(literal(body))}`)}
  ${run(`revoke all on function ${placedName}() from public`)}
  -- Another role may have made it meanwhile, and "or replace" would leave it to that role.
  ${refuseOthers}
end if;
if not exists (
  select from pg_trigger as t join pg_proc as p on p.oid = t.tgfoid join pg_namespace as n on n.oid = p.pronamespace
  where t.tgrelid = ${homeOid(table)} and t.tgname = ${literal(name)} and t.tgenabled in ('O', 'A')
    and p.proname = ${literal(name)} and n.nspname = home
) then
  ${lockStep('share row exclusive')}
  ${run(`create or replace trigger ${escapeFormat(identifier(name))} after ${event} on ${homeTable(table)} ${ROWS[event]}for each statement
    execute function ${placedName}()`)}
end if;`
}

function functionBody(tables: TableNames, changed: string, { log, channel }: ChangeOptions): string {
  // The function ignores the search path, so it takes the schema from the trigger's table.
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

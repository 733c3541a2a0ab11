/**
 * Refuses tables that have the cache's names but are not the cache's, before the migration changes anything.
 *
 * The last character of the SQLSTATE identifies the table, because every driver reports the SQLSTATE.
 */

import { ownTables } from '../schema/own-tables.ts'
import type { TableNames } from '../schema/table-names.ts'
import { isCacheTable } from './shape-sql.ts'
import { hasStrangeTrigger, isTrusted } from './trust-sql.ts'

/** SQLSTATEs without their last character, the table's number. */
export const GUARD = { foreign: 'PGSF', untrusted: 'PGSO', hidden: 'PGSR' } as const

/** Steps for a guarded block, with the variables `found` and `home` from `home-sql.ts`. */
export function guardSteps(tables: TableNames): string {
  const own = ownTables(tables)
  const isOurs = own.map((table, index) => isCacheTable(tables, table, `found[${index + 1}]`))
  return `-- Nothing that is not ours is adopted. All in one array: in a loop, each round would plan all of them.
is_ours := array[
${isOurs.join(',\n')}
];
for i in 1..${own.length} loop
  continue when found[i] is null;
  place := null;
  select c.relowner, c.relnamespace into owner, place from pg_class as c where c.oid = found[i];
  -- Another migration has just made it, and this transaction's snapshot is older. The next try sees all of it.
  if place is null then
    raise exception 'the tables were made meanwhile' using errcode = 'serialization_failure';
  end if;
  -- A table of this name in an earlier schema of the search path would stand in the cache's way.
  if place is distinct from to_regnamespace(quote_ident(home)) or not is_ours[i] then
    ${raise(GUARD.foreign)}
  elsif pg_get_userbyid(owner) <> current_user then
    if not (${isTrusted('owner')} or ${OWNS_SCHEMA_OR_DATABASE}) then
      ${raise(GUARD.untrusted)}
    end if;
  end if;
  if ${hasStrangeTrigger('found[i]')} then
    ${raise(GUARD.untrusted)}
  end if;
  if row_security_active(found[i]) then
    ${raise(GUARD.hidden)}
  end if;
end loop;`
}

/** Variables that the steps need. */
export const GUARD_DECLARATIONS = 'owner pg_catalog.oid;\nplace pg_catalog.oid;\nis_ours pg_catalog.bool[];'

/**
 * True if the table's owner owns the schema or the database, and so controls everything in it anyway. Never true for a
 * superuser, who must not run that role's code.
 */
const OWNS_SCHEMA_OR_DATABASE = `(
  select not me.rolsuper and owner in (n.nspowner, d.datdba)
  from pg_namespace as n, pg_database as d, pg_roles as me
  where n.oid = place and d.datname = current_database() and me.rolname = current_user)`

function raise(kind: string): string {
  return `raise exception 'pgstash cannot migrate this' using errcode = '${kind}' || (i - 1);`
}

/** What pgstash needs of a server, besides the version. Engines that speak the protocol of Postgres may lack some of it. */

export interface Capability {
  /** As messages name it. */
  readonly name: string
  /** SQL: an expression that is true on Postgres. Elsewhere it is false, or the statement fails. */
  readonly holds: string
}

/** Each is tried alone, because one that is missing fails the whole statement. None writes, or needs a right. */
export const CAPABILITIES: readonly Capability[] = [
  { name: 'the types xid8 and pg_snapshot', holds: `'5'::xid8 < '6'::xid8 and '5:6:'::pg_snapshot is not null` },
  // Some engines have the functions, but answer with a constant.
  { name: 'pg_current_snapshot()', holds: `pg_snapshot_xmax(pg_current_snapshot())::text::numeric > 2` },
  { name: 'pg_visible_in_snapshot()', holds: `not pg_visible_in_snapshot('6'::xid8, '5:6:'::pg_snapshot)` },
  { name: 'pg_current_xact_id()', holds: `pg_current_xact_id_if_assigned() is distinct from '0'::xid8` },
  { name: 'the system columns xmin and ctid', holds: `(select count(xmin) + count(ctid) from pg_database) > 0` },
  { name: 'advisory locks', holds: `(select true from pg_advisory_xact_lock_shared(0))` },
  { name: 'PL/pgSQL', holds: `exists (select from pg_language where lanname = 'plpgsql')` },
  { name: 'the collation "C"', holds: `'B' < 'a' collate "C"` },
  { name: 'row_security_active()', holds: `not coalesce(row_security_active('pg_class'::text), false)` },
  {
    name: 'rows from (…)',
    holds: `(select count(*) from rows from (json_array_elements_text('["a"]'::json)) as t(a)) = 1`,
  },
]

/** SQLSTATE of a role that may not call the function. It is there. */
const FORBIDDEN = '42501'

/**
 * The names of what the server lacks.
 *
 * @param ask answers whether an expression holds; rejects with the server's failure
 * @param sqlStateOf the SQLSTATE of such a failure; undefined if the server was not reached
 */
export async function missingCapabilities(
  ask: (holds: string) => Promise<boolean>,
  sqlStateOf: (error: unknown) => string | undefined,
): Promise<string[]> {
  // Within a failed transaction, for example, everything would seem to be missing.
  if (!(await ask('true').catch(() => false))) return []
  const missing: string[] = []
  for (const { name, holds } of CAPABILITIES) {
    try {
      if (!(await ask(holds))) missing.push(name)
    } catch (error) {
      const sqlState = sqlStateOf(error)
      if (sqlState === undefined) return []
      if (sqlState !== FORBIDDEN) missing.push(name)
    }
  }
  return missing
}

export function missingMessage(missing: readonly string[]): string {
  return `Expected Postgres, or a server with its transaction ids, but this one lacks: ${missing.join(', ')}.`
}

/**
 * The features that pgstash needs of a server, besides its version. Engines that speak Postgres's protocol may lack
 * some.
 */

export interface Capability {
  /** The name in messages. */
  readonly name: string
  /** A SQL expression that is true on Postgres. On a server without the feature it is false, or the statement fails. */
  readonly holds: string
}

/**
 * Each is tried alone, because a missing feature fails the whole statement. None writes, and none needs a privilege.
 */
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

/** The SQLSTATE if the role may not call a function. The function exists then. */
const FORBIDDEN = '42501'

/**
 * Returns the names of the features that the server lacks.
 *
 * @param ask returns whether an expression is true; rejects with the server's failure
 * @param sqlStateOf returns the SQLSTATE of this failure, or undefined if the server was not reached
 */
export async function missingCapabilities(
  ask: (holds: string) => Promise<boolean>,
  sqlStateOf: (error: unknown) => string | undefined,
): Promise<string[]> {
  // If the server answers nothing, all features would seem to be missing: for example, within a failed transaction.
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
  return `Expected Postgres, or a server with its transaction ids, but this server lacks: ${missing.join(', ')}.`
}

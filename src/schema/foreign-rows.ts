/** SQL that recognises rows from another cluster, for roles that may not read the cluster's identity. */
import { TAG_STATE } from './rejected.ts'

/** A row of the state table that no statement ever changes. */
export const FIRST_ROW = `'migration 0000_init'`

/**
 * SQL: true if the rows were copied here, by a dump and restore or by logical replication. Null if the row `home` is
 * missing.
 *
 * The row `home` names the transaction that wrote the first row. In a copy, another transaction wrote that row. Copies
 * of whole servers, upgrades with `pg_upgrade` and rewrites of a table keep the writer.
 *
 * @param state the name of the table
 */
export function isCopied(state: string): string {
  return `(select home.value <> first.xmin::text from ${state} as home, ${state} as first
    where home.name = '${TAG_STATE.home}' and first.name = ${FIRST_ROW})`
}

/**
 * SQL: true if a row of a log, a lease, or the state of cleanup has a transaction id from the future. No transaction of
 * this database can have written it, unless the ids have gone back since.
 *
 * @param names the names of the tables
 */
export function hasFutureNotes(names: Readonly<Record<'leases' | 'log' | 'changes' | 'state', string>>): string {
  const isFuture =
    'xid >= pg_snapshot_xmax(pg_current_snapshot()) and xid is distinct from pg_current_xact_id_if_assigned()'
  const noted = `(select (value::jsonb ->> 'noted')::xid8 from ${names.state} where name = '${TAG_STATE.cleanup}')`
  return `(coalesce(${noted} > pg_snapshot_xmax(pg_current_snapshot()), false)
    or exists (select from ${names.log} where ${isFuture})
    or exists (select from ${names.leases} where ${isFuture})
    or exists (select from ${names.changes} where ${isFuture}))`
}

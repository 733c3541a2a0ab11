/** Conditions on the state of an entry, for our own statements. */
import { rejected } from './rejected.ts'
import { type Sql, sql } from './sql.ts'
import type { TableNames } from './table-names.ts'

/** A condition on entries. */
export type Condition = (tables: TableNames) => Sql

/** True for the entries that reads return: not expired, and not rejected by a tag. */
export function isLive(tables: TableNames): Sql {
  const { expiresAt } = tables.entries
  return sql`((${expiresAt} is null or ${expiresAt} > statement_timestamp()) and not ${rejected(tables, tables.entries)})`
}

/** True for stored entries that count as absent. */
export function isExpired(tables: TableNames): Sql {
  return sql`not ${isLive(tables)}`
}

/** True for live entries that will expire. */
export function isUnexpired(tables: TableNames): Sql {
  return sql`(${tables.entries.expiresAt} is not null and ${isLive(tables)})`
}

/** True for live entries that never expire. */
export function isForever(tables: TableNames): Sql {
  return sql`(${tables.entries.expiresAt} is null and ${isLive(tables)})`
}

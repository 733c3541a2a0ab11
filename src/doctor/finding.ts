/** What `doctor` finds, and how a check is declared. */
import { getTableName, type SQL, sql, type Table } from 'drizzle-orm'
import type { Runner } from '../postgres/runner.ts'
import type { CacheTables } from '../schema/index.ts'
import { qualified } from '../schema/sql-text.ts'

/** From well to bad. `note`: good to know, nothing to do at once. */
export const STATUSES = ['ok', 'note', 'warning', 'problem'] as const
export type Status = (typeof STATUSES)[number]

/** What a check has to say. */
export interface Observation {
  readonly status: Status
  /** What was seen, in a sentence. */
  readonly what: string
  /** What to do about it; where all is well there is nothing. */
  readonly advice?: string
}

export interface Finding extends Observation {
  readonly check: string
}

/** What is examined, and from where. */
export interface Examined {
  readonly runner: Runner
  readonly tables: CacheTables
  /** Host name and port that were connected to. */
  readonly host: string
  readonly port: number
  readonly isHttp: boolean
  /** The clock of this machine. */
  readonly now: () => number
}

/** One question about a cache's database. Reads only. */
export interface Check {
  readonly name: string
  /** Whether it makes sense without the cache's tables. */
  readonly needsTables: boolean
  readonly look: (examined: Examined) => Promise<Observation[]>
}

/** A table's oid; null where it is not there, or may not be seen. */
export function oidOf(tables: CacheTables, table: Table): SQL {
  return sql`to_regclass(${qualified(tables, table)}::text)`
}

/** A table's name for SQL that is shown. */
export function shownName(tables: CacheTables, table: Table): string {
  const name = getTableName(table)
  return tables.schema === undefined ? name : `${tables.schema}.${name}`
}

export const ok = (what: string): Observation => ({ status: 'ok', what })

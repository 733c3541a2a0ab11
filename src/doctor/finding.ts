/** The findings of `doctor`, and the declaration of a check. */
import type { Runner } from '../postgres/runner.ts'
import type { TableNames } from '../schema/table-names.ts'

/** From good to bad. A `note` is good to know, but needs no action now. */
export const STATUSES = ['ok', 'note', 'warning', 'problem'] as const
export type Status = (typeof STATUSES)[number]

/** A result of a check. */
export interface Observation {
  readonly status: Status
  /** The state of the database and, if something is wrong, why it matters. */
  readonly what: string
  /** How to fix it: a command, SQL or a setting. Absent if the status is `ok`. */
  readonly advice?: string
}

export interface Finding extends Observation {
  readonly check: string
}

/** The cache to examine, and the connection to it. */
export interface Examined {
  readonly runner: Runner
  readonly tables: TableNames
  /** The host and port of the connection. */
  readonly host: string
  readonly port: number
  readonly isHttp: boolean
  /** The clock of this machine. */
  readonly now: () => number
}

/** One question about a cache's database. Reads only. */
export interface Check {
  readonly name: string
  /** True if the check needs the cache's tables. */
  readonly needsTables: boolean
  readonly look: (examined: Examined) => Promise<Observation[]>
}

export const ok = (what: string): Observation => ({ status: 'ok', what })

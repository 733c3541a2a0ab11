/** The messages between `pgstash load` and its processes, over IPC. */
import type { Recorded } from '../load/history.ts'
import type { LoadPlan } from '../load/options.ts'

/** Signals that end a run early, with a report: from Ctrl-C, supervisors and closing terminals. */
export const STOPPED_BY = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface LoadOrder {
  readonly plan: LoadPlan
  readonly databaseUrl: string
  readonly endpoint: string | undefined
  readonly namespace: string
  /** Seconds until entries without a deadline expire, in case the run is killed before it deletes them. */
  readonly expiration: number
  readonly schema?: string
  readonly prefix?: string
  readonly wrap?: string
  /** Instant 0 of the history, by the monotonic clock that all processes of a machine share. */
  readonly origin: bigint
}

export type ToProcess = { readonly start: LoadOrder; readonly first: number } | 'stop'

/** Round trips of the cache for all calls. Includes retries, but not the queries for the clock. */
export interface RoundTrips {
  readonly roundTrips: number
}

export type FromProcess =
  | { readonly calls: number }
  | ({ readonly history: readonly Recorded[] } & RoundTrips)
  | { readonly problem: string }

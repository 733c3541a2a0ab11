/** What a process is told to do, as it goes over IPC. */
import type { Recorded } from '../load/history.ts'
import type { LoadPlan } from '../load/options.ts'

/** Signals that end a run early, with a report: Ctrl-C, and what supervisors and closing terminals send. */
export const STOPPED_BY = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

export interface LoadOrder {
  readonly plan: LoadPlan
  readonly databaseUrl: string
  readonly endpoint: string | undefined
  readonly namespace: string
  /** Seconds after which entries without a deadline expire, in case the run is killed before it removes them. */
  readonly expiration: number
  readonly schema?: string
  readonly prefix?: string
  readonly wrap?: string
  /** Instant 0 of the history, of the monotonic clock that all processes of a machine share. */
  readonly origin: bigint
}

export type ToProcess = { readonly start: LoadOrder; readonly first: number } | 'stop'

/** What the cache sent for all calls, retries included; questions for the clock are not among them. */
export interface RoundTrips {
  readonly roundTrips: number
}

export type FromProcess =
  | { readonly calls: number }
  | ({ readonly history: readonly Recorded[] } & RoundTrips)
  | { readonly problem: string }

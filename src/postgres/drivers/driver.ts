/** The interface between the runner and a database driver. */
import type { Operation } from '../operation.ts'

/** One call of the runner, with its retries. */
export interface Call {
  /**
   * `queued` while the call waits for a connection. It stays `sent` while a retry waits. `unknown` if the driver cannot
   * tell.
   */
  state: 'unknown' | 'queued' | 'sent'
  /** True once the caller gave up. */
  isAbandoned: boolean
  /** Ends the pending work. The code that does the work sets this, and the timeout calls it. */
  abandon: (() => void) | undefined
  /** True for statements of a cache that Next itself calls. */
  readonly isInternal?: boolean
}

/** Parameters by name, as text. */
export type WireValues = Readonly<Record<string, string | null>>

/** Sends one statement. Returns each row as a list of cells, one for each column of the operation. */
export type Send = (values: WireValues, call: Call) => Promise<unknown[][]>

export interface Driver {
  /** True if a session keeps the plan of a statement, so that its text is parsed and planned once. */
  readonly keepsPlans: boolean
  /** True if `Call.abandon` rejects the promise of `Send`. Otherwise the runner itself stops waiting for it. */
  readonly endsAbandoned: boolean
  /** Prepares an operation. The runner calls this once per operation. */
  prepare(operation: Operation<never>): Send
  /** Stops naming statements, because a pooler that gives each transaction another session loses the names. */
  forgetNames(): void
}

/** Wraps an error that a driver threw before it sent the statement. */
export class UnsentError extends Error {
  constructor(cause: unknown) {
    super('The statement was not sent.', { cause })
  }
}

/** Rejects the work of an abandoned call. The caller gets the runner's own error instead. */
export class AbandonedError extends Error {
  constructor() {
    super('The caller gave up.')
  }
}

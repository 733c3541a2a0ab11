/** What the runner needs of a database driver. */
import type { Operation } from '../operation.ts'

/** One call of the runner, with its retries. */
export interface Call {
  /** `queued` while it waits for a connection. A retry that waits leaves it `sent`. `unknown` if the driver cannot tell. */
  state: 'unknown' | 'queued' | 'sent'
  /** True once the caller gave up. */
  isAbandoned: boolean
  /** Ends the work that is under way. Whoever does the work sets it, and the timeout calls it. */
  abandon: (() => void) | undefined
  /** True for statements of a cache that Next itself asks. */
  readonly isInternal?: boolean
}

/** Parameters by name, as text. */
export type WireValues = Readonly<Record<string, string | null>>

/** Sends one statement. Returns each row as a list of cells, one for each column of the operation. */
export type Send = (values: WireValues, call: Call) => Promise<unknown[][]>

export interface Driver {
  /** True if a session keeps the plan of a statement, so that its text is parsed and planned once. */
  readonly keepsPlans: boolean
  /** True if `Call.abandon` rejects what `Send` returned. Otherwise the runner stops waiting for it by itself. */
  readonly endsAbandoned: boolean
  /** Prepares an operation. The runner does that once for each. */
  prepare(operation: Operation<never>): Send
  /** From now on, statements have no names: a pooler that gives each transaction another session loses them. */
  forgetNames(): void
}

/** Wraps what a driver threw before it sent the statement. */
export class UnsentError extends Error {
  constructor(cause: unknown) {
    super('The statement was not sent.', { cause })
  }
}

/** Rejects the work of a call that was abandoned. The runner answers the caller with its own error. */
export class AbandonedError extends Error {
  constructor() {
    super('The caller gave up.')
  }
}

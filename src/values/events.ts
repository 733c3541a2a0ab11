/** What a cache tells `onEvent`: what happened, how long it took and what it cost. No values, no keys. */

/** An operation that went as asked. */
export interface OperationEvent {
  /** `hit` and `miss` for reads; the others for what an operation did. */
  readonly type: 'hit' | 'miss' | 'write' | 'touch' | 'delete' | 'invalidate' | 'cleanup'
  /** The method that was called. */
  readonly operation: string
  /** Entries concerned: found, missed, written, removed, or tags invalidated. */
  readonly count: number
  readonly durationMs: number
}

/** An operation that failed; the caller got the same error. */
export interface ErrorEvent {
  readonly type: 'error'
  readonly operation: string
  readonly error: unknown
  readonly durationMs: number
}

export type CacheEvent = OperationEvent | ErrorEvent

export type EventListener = (event: CacheEvent) => void

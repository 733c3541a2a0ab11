/**
 * What a cache tells `onEvent`: what happened, how long it took and what it cost. Never values, and keys only where
 * `eventKeys` asks for them.
 */

/** What every event tells. */
interface EventBase {
  /** The method that was called. */
  readonly operation: string
  readonly durationMs: number
  /** Requests that were sent for it, retries included; 0 where another call's statement served it. */
  readonly roundTrips: number
  /** Of the values that those requests moved, as encoded, in UTF-8. */
  readonly bytes: number
  /** The caller's key, with `eventKeys: true`; operations on many keys have none. */
  readonly key?: string
}

/**
 * An operation that went as asked.
 *
 * Of `getOrSet` each call is one `hit`, `miss` or `stale`, told when it is known and so before the computation. A read that
 * failed and was answered as a miss (`onError: 'miss'`) is told as an `error` and a `miss`.
 */
export interface OperationEvent extends EventBase {
  readonly type: 'hit' | 'miss' | 'stale' | 'write' | 'touch' | 'delete' | 'invalidate' | 'cleanup'
  /** Entries concerned: found, missed, written, removed, or tags invalidated. */
  readonly count: number
}

/** A value was computed: `fill` stored it, `refuse` did not. The duration is the store's; it is 0 where none was asked. */
export interface FillEvent extends EventBase {
  readonly type: 'fill' | 'refuse'
  /** How long the computation took. */
  readonly computeMs: number
  /**
   * Why it was not stored: `overtaken` by another write, an invalidation or another's lease; `alone`, computed without a
   * lease; `skipped` by the computation.
   */
  readonly reason?: 'overtaken' | 'alone' | 'skipped'
}

/** A call waited for another's computation. */
export interface WaitEvent extends EventBase {
  readonly type: 'wait'
  /** How it ended: the value came; this call computes, with the lease or, after waiting too long, without one. */
  readonly outcome: 'filled' | 'took over' | 'gave up'
}

/**
 * Something failed, a computation included. The caller got the same error, unless `onError: 'miss'`, or a value was at
 * hand: a stale one, or one just computed. An entry that cannot be decoded is an error too, and `getOrSet` computes it anew.
 */
export interface ErrorEvent extends EventBase {
  readonly type: 'error'
  readonly error: unknown
  /** With this failure the cache stopped asking the database for a moment. */
  readonly circuit?: 'opened'
}

export type CacheEvent = OperationEvent | FillEvent | WaitEvent | ErrorEvent

export type EventListener = (event: CacheEvent) => void

/** What an operation has cost so far; the parts that send add to it. */
export interface Cost {
  roundTrips: number
  bytes: number
}

export const noCost = (): Cost => ({ roundTrips: 0, bytes: 0 })

export function addCosts(a: Cost, b: Cost): Cost {
  return { roundTrips: a.roundTrips + b.roundTrips, bytes: a.bytes + b.bytes }
}

// Keyof over a union sees only what all have in common, so each member is stripped by itself.
type WithoutKey<Event> = Event extends CacheEvent ? Omit<Event, 'key'> : never

/** Tells the listener; `key` is left out unless keys were asked for. */
export type Emit = (event: WithoutKey<CacheEvent>, key?: string, storedKey?: string) => void

function opened(error: unknown): { circuit?: 'opened' } {
  return Reflect.get(Object(error), 'opensCircuit') === true ? { circuit: 'opened' } : {}
}

/** Undefined where nobody listens, so that nothing is measured for nobody. */
export function createEmit(onEvent: EventListener | undefined, withKeys: boolean): Emit | undefined {
  if (onEvent === undefined) return undefined
  // A listener's own failure, at once or later, must not fail the cache.
  return (event, key) => {
    try {
      const known = withKeys && key !== undefined ? { key } : {}
      const circuit = event.type === 'error' ? opened(event.error) : {}
      const answer: unknown = onEvent({ ...event, ...known, ...circuit } as CacheEvent)
      if (answer instanceof Promise) answer.catch(() => {})
    } catch {}
  }
}

/** Bytes of a text in UTF-8, without making them. */
export function utf8Bytes(text: string): number {
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // Two units of a surrogate pair are four bytes together.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

/**
 * The events that a cache sends to `onEvent`: what happened, how long it took and what it cost. They never hold values, and
 * they hold keys only with `eventKeys`.
 */

import { ignoreRejection } from './promises.ts'

/** The fields of every event. */
interface EventBase {
  /** The method that was called. */
  readonly operation: string
  readonly durationMs: number
  /** Requests that were sent for it, with retries. 0 if another call's statement served it. */
  readonly roundTrips: number
  /** Bytes of the encoded values that those requests moved, in UTF-8. */
  readonly bytes: number
  /** The caller's key, with `eventKeys: true`. Operations on many keys have none. */
  readonly key?: string
}

/**
 * An operation that succeeded.
 *
 * Each call of `getOrSet` is one `hit`, `miss` or `stale`, sent before the computation. A read that failed and counts as a
 * miss (`onError: 'miss'`) sends an `error` and a `miss`.
 */
export interface OperationEvent extends EventBase {
  readonly type: 'hit' | 'miss' | 'stale' | 'write' | 'touch' | 'delete' | 'invalidate' | 'cleanup'
  /** The number of entries found, missed, written or removed, or of tags invalidated. */
  readonly count: number
  /** Of `limit` only: whether the call was allowed. A refused one has the count 0. */
  readonly allowed?: boolean
}

/** A value was computed. `fill` stored it, `refuse` did not. The duration is the store's, and 0 if the store was not called. */
export interface FillEvent extends EventBase {
  readonly type: 'fill' | 'refuse'
  /** How long the computation took. */
  readonly computeMs: number
  /**
   * Why it was not stored. `overtaken`: by another write, an invalidation, or another caller's lease, or the store had no
   * room. `alone`: computed without a lease. `skipped`: the computation asked for that.
   */
  readonly reason?: 'overtaken' | 'alone' | 'skipped'
}

/** A call waited for another call's computation. */
export interface WaitEvent extends EventBase {
  readonly type: 'wait'
  /** How it ended. `filled`: the other call's answer came, which may be `undefined`. `took over`: this call computes with the lease. `gave up`: it computes without. */
  readonly outcome: 'filled' | 'took over' | 'gave up'
}

/**
 * Something failed; a computation counts. The caller got the same error, unless `onError` is `'miss'`, or there was a value
 * to return: a stale one, or one just computed. An entry that cannot be decoded is an error too, and `getOrSet` computes it
 * again.
 */
export interface ErrorEvent extends EventBase {
  readonly type: 'error'
  readonly error: unknown
  /** The circuit opened with this failure. */
  readonly circuit?: 'opened'
}

export type CacheEvent = OperationEvent | FillEvent | WaitEvent | ErrorEvent

export type EventListener = (event: CacheEvent) => void

/** The cost of an operation so far. Whatever sends a statement adds to it. */
export interface Cost {
  roundTrips: number
  bytes: number
}

export const noCost = (): Cost => ({ roundTrips: 0, bytes: 0 })

export function addCosts(a: Cost, b: Cost): Cost {
  return { roundTrips: a.roundTrips + b.roundTrips, bytes: a.bytes + b.bytes }
}

// `keyof` of a union has only the common fields, so this strips each member by itself.
type WithoutKey<Event> = Event extends CacheEvent ? Omit<Event, 'key'> : never

/**
 * Passes an event to the listener.
 *
 * @param key the caller's key, which the listener gets only with `eventKeys`
 * @param storedKey the key as it is stored, by which a sharded cache finds the node's listener
 */
export type Emit = (event: WithoutKey<CacheEvent>, key?: string, storedKey?: string) => void

function opened(error: unknown): { circuit?: 'opened' } {
  return Reflect.get(Object(error), 'opensCircuit') === true ? { circuit: 'opened' } : {}
}

/** Undefined without a listener, so that nothing is measured in vain. */
export function createEmit(onEvent: EventListener | undefined, withKeys: boolean): Emit | undefined {
  if (onEvent === undefined) return undefined
  // A listener's own failure, at once or later, must not fail the cache.
  return (event, key) => {
    try {
      const known = withKeys && key !== undefined ? { key } : {}
      const circuit = event.type === 'error' ? opened(event.error) : {}
      ignoreRejection(onEvent({ ...event, ...known, ...circuit } as CacheEvent))
    } catch {}
  }
}

/** The bytes of a text in UTF-8, counted without encoding it. */
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

/**
 * The events that a cache sends to `onEvent`: what happened, how long it took, and what it cost. Events never contain
 * values, and contain keys only with `eventKeys`.
 */

import { ignoreRejection } from './promises.ts'

/** The fields of every event. */
interface EventBase {
  /** The method that was called. */
  readonly operation: string
  /** How long the reported step took, in milliseconds: the operation, the wait, or the storing of a computed value. */
  readonly durationMs: number
  /** The requests that were sent for the call, including retries. 0 if the call shared another call's statement. */
  readonly roundTrips: number
  /** The bytes of the encoded values that these requests transferred, in UTF-8. */
  readonly bytes: number
  /** The caller's key, with `eventKeys: true`. Operations on several keys have none. */
  readonly key?: string
}

/**
 * An operation that succeeded.
 *
 * Each call of `getOrSet` sends one `hit`, `miss` or `stale`, before the computation. A failed read that counts as a
 * miss (`onError: 'miss'`) sends an `error` and a `miss`.
 */
export interface OperationEvent extends EventBase {
  /** The outcome of a read (`hit`, `miss` or `stale`), or the kind of change. */
  readonly type: 'hit' | 'miss' | 'stale' | 'write' | 'touch' | 'delete' | 'invalidate' | 'cleanup'
  /** The number of entries found, missed, written or removed, or of tags invalidated. */
  readonly count: number
  /** Only for `limit`: whether the call was allowed. A refused call has the count 0. */
  readonly allowed?: boolean
}

/**
 * A value was computed, and stored (`fill`) or not (`refuse`). The duration is the store's, or 0 if it was not called.
 */
export interface FillEvent extends EventBase {
  /** `fill` if the value was stored, `refuse` if it was not. */
  readonly type: 'fill' | 'refuse'
  /** How long the computation took, in milliseconds. */
  readonly computeMs: number
  /**
   * Why the value was not stored. `overtaken`: by another write, an invalidation or another caller's lease; also if the
   * store had no room. `alone`: it was computed without a lease. `skipped`: the computation called `skip`.
   */
  readonly reason?: 'overtaken' | 'alone' | 'skipped'
}

/** A call waited for another call's computation. */
export interface WaitEvent extends EventBase {
  /** Always `wait`. */
  readonly type: 'wait'
  /**
   * How the wait ended. `filled`: the other call's answer came, which may be `undefined`. `took over`: this call
   * computes with the lease. `gave up`: this call computes without a lease.
   */
  readonly outcome: 'filled' | 'took over' | 'gave up'
}

/**
 * An operation or a computation failed. The caller got the same error, unless `onError` is `'miss'`, or there was a
 * stale or freshly computed value to return. An entry that cannot be decoded is an error too; `getOrSet` computes it
 * again.
 */
export interface ErrorEvent extends EventBase {
  /** Always `error`. */
  readonly type: 'error'
  /** The error: a `CacheError`, or any value that a computation threw. */
  readonly error: unknown
  /** The circuit opened with this failure. */
  readonly circuit?: 'opened'
}

/** An event of a cache. Its `type` tells the kinds apart. Events never contain values. */
export type CacheEvent = OperationEvent | FillEvent | WaitEvent | ErrorEvent

/** Receives the events of a cache: the option `onEvent`. A listener that throws or rejects does not fail the call. */
export type EventListener = (event: CacheEvent) => void

/** The cost of an operation so far. Each statement that is sent adds to it. */
export interface Cost {
  /** The requests that were sent, including retries. */
  roundTrips: number
  /** The bytes of the encoded values that these requests transferred, in UTF-8. */
  bytes: number
}

export const noCost = (): Cost => ({ roundTrips: 0, bytes: 0 })

export function addCosts(a: Cost, b: Cost): Cost {
  return { roundTrips: a.roundTrips + b.roundTrips, bytes: a.bytes + b.bytes }
}

// `Omit` of a union keeps only the fields that all members share, so it is applied to each member.
type WithoutKey<Event> = Event extends CacheEvent ? Omit<Event, 'key'> : never

/**
 * Passes an event to the listener.
 *
 * @param key the caller's key, which the listener gets only with `eventKeys`
 * @param storedKey the stored key, by which a sharded cache finds the listener of the key's node
 */
export type Emit = (event: WithoutKey<CacheEvent>, key?: string, storedKey?: string) => void

function circuitChange(error: unknown): { circuit?: 'opened' } {
  return Reflect.get(Object(error), 'opensCircuit') === true ? { circuit: 'opened' } : {}
}

/** Returns undefined if there is no listener, so that nothing is measured in vain. */
export function createEmit(onEvent: EventListener | undefined, withKeys: boolean): Emit | undefined {
  if (onEvent === undefined) return undefined
  // A failure of the listener, synchronous or not, must not fail the cache.
  return (event, key) => {
    try {
      const known = withKeys && key !== undefined ? { key } : {}
      const circuit = event.type === 'error' ? circuitChange(event.error) : {}
      ignoreRejection(onEvent({ ...event, ...known, ...circuit } as CacheEvent))
    } catch {}
  }
}

const ENCODER = /* @__PURE__ */ new TextEncoder()
/** From this length on, to encode a text takes less time than to look at each character. */
const ENCODED_FROM = 400

/** Counts the bytes of a text in UTF-8. */
export function utf8Bytes(text: string): number {
  if (text.length >= ENCODED_FROM) return ENCODER.encode(text).length
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    // The two units of a surrogate pair take four bytes together.
    bytes += unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 1 : 2
  }
  return bytes
}

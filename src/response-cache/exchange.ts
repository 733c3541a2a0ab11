/** The state of one request while the response cache handles it. */
import { type CacheStatus, conditionOf, fieldDigests, type RequestHead } from '../http/index.ts'
import { responseStoreOf } from '../postgres/responses/response-store.ts'
import type { BodyRange, ResponseAnswer, ResponseStore } from '../postgres/responses/store.ts'
import { wallClock } from '../values/clock.ts'
import { CacheError, DatabaseError } from '../values/errors.ts'
import { type Cost, noCost, type OperationEvent } from '../values/events.ts'
import { leaseToken } from '../values/lease-token.ts'
import { ignoreRejection } from '../values/promises.ts'
import type { HandlerCall } from './handler-call.ts'
import type { ResponseCacheSettings } from './options.ts'
import { baseOf, type RequestKey } from './request-key.ts'

export interface Exchange {
  readonly call: HandlerCall
  readonly settings: ResponseCacheSettings
  readonly store: ResponseStore
  /** The client's request. The handler gets different conditions (`forwardedFields`). */
  readonly request: Request
  readonly head: RequestHead
  /** The fields that middleware in front of the cache set for this request. */
  readonly front: Headers
  /** The stored key of the URL. */
  readonly base: string
  readonly digests: Readonly<Record<string, string>>
  readonly token: string
  /**
   * The store's clock minus this isolate's, or a little less; 0 until the first read. All isolates use the store's clock,
   * so they agree.
   */
  clockOffsetMs: number
  readonly startedAt: number
  readonly cost: Cost
}

export function createExchange(call: HandlerCall, settings: ResponseCacheSettings, key: RequestKey): Exchange {
  const store = responseStoreOf(settings.cacheOf(call.context))
  const { request } = call
  const base = baseOf(store, settings, key)
  return {
    call,
    settings,
    store,
    request,
    head: { method: request.method, headers: request.headers },
    front: call.frontFields(),
    base,
    digests: Object.fromEntries(fieldDigests(request.headers, base)),
    token: leaseToken(settings.leaseMs),
    clockOffsetMs: 0,
    startedAt: wallClock(),
    cost: noCost(),
  }
}

/** How many leases each request holds. */
const heldLeases = new WeakMap<object, { count: number }>()

/**
 * Records that this request holds a lease. Returns a function that removes the record, because a program may reuse a
 * request object after its response.
 *
 * @param forwarded the request that the handler gets
 */
export function markLeaseHeld({ call }: Exchange, forwarded: Request): () => void {
  const held = heldLeases.get(call.identity) ?? { count: 0 }
  held.count++
  heldLeases.set(call.identity, held)
  heldLeases.set(forwarded, held)
  return () => void held.count--
}

/**
 * True if a response cache in front is running its handler for this request. This cache then passes the request on,
 * even if it has a different `cache`. Otherwise it might wait for the lease that the request itself holds, and both
 * would store the same response.
 */
export function isBehindLeader({ identity }: HandlerCall): boolean {
  return (heldLeases.get(identity)?.count ?? 0) > 0
}

/**
 * True if the options still return the key of the lookup. Otherwise the response may belong to another user. Middleware
 * behind the cache may have set the user, or a session may have ended before its page was refreshed.
 */
export function isKeyUnchanged({ call, settings, store, base }: Exchange): boolean {
  if (!settings.hasKeyOption) return true
  const key = settings.keyOf(call)
  return key !== undefined && baseOf(store, settings, key) === base
}

/** Returns epoch milliseconds by the store's clock. */
export function storeNow(x: Exchange): number {
  return wallClock() + x.clockOffsetMs
}

export interface ReadOptions {
  /** Whether to claim the lease even if a response is fresh. */
  readonly force?: boolean
  /** Whether to claim the lease if no response is fresh. */
  readonly claims?: boolean
  /** Whether to get the whole body, even if the request has a condition or a range. */
  readonly whole?: boolean
  readonly range?: BodyRange | undefined
  /** Whether to claim only the lease: the read returns no body and extends no deadline. */
  readonly leaseOnly?: boolean
}

/** Reads the response that the request selects, or claims the lease. Costs one round trip. */
export async function read(x: Exchange, options: ReadOptions): Promise<ResponseAnswer> {
  const { force = false, claims = false, whole = false, leaseOnly = false, range } = options
  const condition = whole ? undefined : conditionOf(x.head, storeNow(x))
  const answer = await x.store.read(
    {
      base: x.base,
      digests: x.digests,
      token: x.token,
      leaseMs: x.settings.leaseMs,
      claims,
      force,
      sliding: leaseOnly ? undefined : x.settings.sliding,
      headOnly: leaseOnly || x.head.method === 'HEAD',
      range: whole ? undefined : range,
      noneMatch: condition?.kind === 'none-match' ? condition.tags : undefined,
      modifiedSince: condition?.kind === 'modified-since' ? condition.at : undefined,
    },
    x.cost,
  )
  // The store's clock has gone on since, so times by this offset are never late. A time in the middle of the round trip would
  // be late if the database had to wake up first, and a response that is stored then would outlive its lifetime.
  x.clockOffsetMs = Math.floor(answer.now) - wallClock()
  return answer
}

/**
 * Lets `waitUntil` keep the work alive after the response.
 *
 * @param work must not reject
 * @returns the work itself if there is no `waitUntil`. The caller must then await it.
 */
export function runInBackground({ call }: Exchange, work: Promise<void>): Promise<void> | undefined {
  if (call.waitUntil === undefined) return work
  try {
    ignoreRejection(call.waitUntil(work))
    return undefined
  } catch {
    return work
  }
}

/**
 * Returns the Cache-Status of a request that goes to the handler because the cache failed. Has only codes: clients can
 * read it.
 */
export function failureStatus(error: unknown): CacheStatus & { fwd: 'bypass' } {
  return { fwd: 'bypass', detail: failureReason(error) }
}

export function failureReason(error: unknown): string {
  if (error instanceof DatabaseError && error.sqlState !== undefined) return `DATABASE ${error.sqlState}`
  return error instanceof CacheError ? error.code : 'UNAVAILABLE'
}

/** The parts of an exchange that are needed to emit an event. */
type Measured = Pick<Exchange, 'store' | 'startedAt' | 'cost'>

export function emitEvent(x: Measured, type: OperationEvent['type']): void {
  const durationMs = wallClock() - x.startedAt
  x.store.emit?.({ type, operation: 'responseCache', count: 1, durationMs, ...takeCost(x) })
}

export function emitFailure(x: Measured, error: unknown): void {
  const durationMs = wallClock() - x.startedAt
  x.store.emit?.({ type: 'error', operation: 'responseCache', error, durationMs, ...takeCost(x) })
}

/** Returns the cost since the last event, and resets it. */
function takeCost({ cost }: Measured): Cost {
  const { roundTrips, bytes } = cost
  Object.assign(cost, noCost())
  return { roundTrips, bytes }
}

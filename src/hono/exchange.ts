/** The state of one request on its way through the response cache. */

import type { Context } from 'hono'
import {
  type CacheStatus,
  cacheKey,
  conditionOf,
  fieldDigests,
  formatCacheStatus,
  type RequestHead,
  requestedRange,
} from '../http/index.ts'
import type { ResponseAnswer, ResponseStore } from '../postgres/responses/store.ts'
import { wallClock } from '../values/clock.ts'
import { CacheError, DatabaseError } from '../values/errors.ts'
import { type Cost, noCost, type OperationEvent } from '../values/events.ts'
import { randomUUID } from '../values/random.ts'
import { bytesToHex, sha256, utf8ToBytes } from '../values/sha256.ts'
import { frontFieldsOf } from './front-fields.ts'
import type { ResponseCacheSettings } from './options.ts'
import type { RequestKey } from './request-key.ts'
import { responseStoreOf } from './response-store.ts'
import { waitUntilOf } from './wait-until.ts'

export interface Exchange {
  readonly c: Context
  readonly settings: ResponseCacheSettings
  readonly store: ResponseStore
  /** The client's request. The handler gets other conditions (`forwardedFields`). */
  readonly request: Request
  readonly head: RequestHead
  /** The fields that middleware in front of the cache set for this request. */
  readonly front: Headers
  /** The index of this middleware's route. `c.req.param` depends on it, and so may the options that make the key. */
  readonly routeIndex: number
  /** The stored key of the URL. */
  readonly base: string
  readonly digests: Readonly<Record<string, string>>
  readonly token: string
  /** The store's clock minus this isolate's; 0 until the first read. All isolates use the store's clock, so that they agree. */
  clockOffsetMs: number
  readonly startedAt: number
  readonly cost: Cost
}

/** Returns the key of a URL before it is bounded, as purges use it. */
export function keyOfUrl(url: URL, settings: Pick<ResponseCacheSettings, 'query'>): string {
  return cacheKey('GET', url, { query: settings.query })
}

/** Returns the stored key of a request. */
function baseOf(store: ResponseStore, settings: ResponseCacheSettings, { url, parts }: RequestKey): string {
  const part = parts.length === 0 ? undefined : bytesToHex(sha256(utf8ToBytes(JSON.stringify(parts))))
  return store.keyOf(keyOfUrl(url, settings), part)
}

/**
 * True if the options still give the key of the lookup. Otherwise the response may belong to another user: middleware behind
 * the cache named the user, or a session ended before its page was refreshed.
 */
export function isKeyUnchanged({ c, settings, store, base, routeIndex }: Exchange): boolean {
  if (!settings.hasKeyOption) return true
  const key = withRouteIndex(c, routeIndex, () => settings.keyOf(c))
  return key !== undefined && baseOf(store, settings, key) === base
}

/** Calls a function of the options as before the handler, when `c.req.param` read the route of this middleware. */
export function withRouteIndex<T>(c: Context, routeIndex: number, call: () => T): T {
  const current = c.req.routeIndex
  c.req.routeIndex = routeIndex
  try {
    return call()
  } finally {
    c.req.routeIndex = current
  }
}

export function createExchange(c: Context, settings: ResponseCacheSettings, key: RequestKey): Exchange {
  const store = responseStoreOf(settings.cacheOf(c))
  const request = c.req.raw
  const base = baseOf(store, settings, key)
  return {
    c,
    settings,
    store,
    request,
    head: { method: c.req.method, headers: request.headers },
    front: frontFieldsOf(c),
    routeIndex: c.req.routeIndex,
    base,
    digests: Object.fromEntries(fieldDigests(request.headers, base)),
    token: randomUUID(),
    clockOffsetMs: 0,
    startedAt: wallClock(),
    cost: noCost(),
  }
}

/** The leases that each request holds. A second `responseCache` behind the first must not wait for one of them. */
const heldLeases = new WeakMap<Context, Set<string>>()

/** Records that this request holds the lease of its URL. */
export function markLeaseHeld({ c, base }: Exchange): void {
  heldLeases.set(c, (heldLeases.get(c) ?? new Set()).add(base))
}

/** True if this request holds the lease that it would wait for. */
export function isLeaseHeld({ c, base }: Exchange): boolean {
  return heldLeases.get(c)?.has(base) ?? false
}

/** Returns epoch milliseconds by the store's clock. */
export function storeNow(x: Exchange): number {
  return wallClock() + x.clockOffsetMs
}

/** Reads the response that the request selects, or claims the lease. One round trip. */
export async function read(x: Exchange, { force = false, claims = false, whole = false } = {}) {
  const condition = whole ? undefined : conditionOf(x.head, storeNow(x))
  const sentAt = wallClock()
  const answer = await x.store.read(
    {
      base: x.base,
      digests: x.digests,
      token: x.token,
      leaseMs: x.settings.leaseMs,
      claims,
      force,
      sliding: x.settings.sliding,
      headOnly: x.head.method === 'HEAD',
      noneMatch: condition?.kind === 'none-match' ? condition.tags : undefined,
      modifiedSince: condition?.kind === 'modified-since' ? condition.at : undefined,
      range: whole ? undefined : requestedRange(x.head),
    },
    x.cost,
  )
  // Assume that the store read its clock halfway through the round trip.
  x.clockOffsetMs = answer.now - (sentAt + wallClock()) / 2
  return answer satisfies ResponseAnswer
}

/** Returns the response with this cache's member in Cache-Status (RFC 9211). Nothing else changes. */
export function withCacheStatus(x: Exchange, response: Response, status: CacheStatus): Response {
  const { cacheStatusName } = x.settings
  if (cacheStatusName === undefined || !canCopy(response)) return response
  const headers = new Headers(response.headers)
  headers.set('cache-status', formatCacheStatus(response.headers.get('cache-status'), cacheStatusName, status))
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}

/** True if nobody has read the body, or is reading it. */
export function isReadable(response: Response): boolean {
  return !response.bodyUsed && response.body?.locked !== true
}

/** False for a protocol switch (101), a network error (0), and a body that is read already: `new Response` refuses them. */
export function canCopy(response: Response): boolean {
  return response.status >= 200 && response.status <= 599 && isReadable(response)
}

/** Makes this the context's response. Resets `c.res` first, because Hono merges the old response's fields into a new one. */
export function replaceResponse(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

/**
 * Lets `waitUntil` keep the work alive after the response.
 *
 * @param work must not reject
 * @returns the work itself if there is no `waitUntil`: then the caller must await it
 */
export function runInBackground(x: Exchange, work: Promise<void>): Promise<void> | undefined {
  const waitUntil = waitUntilOf(x.c, x.settings.waitUntil)
  if (waitUntil === undefined) return work
  try {
    waitUntil(work)
    return undefined
  } catch {
    return work
  }
}

/** The parts of an exchange that an event needs. */
type Measured = Pick<Exchange, 'store' | 'startedAt' | 'cost'>

/** Describes a failure for Cache-Status, by codes only, because clients can read them. */
export function failureReason(error: unknown): string {
  if (error instanceof DatabaseError && error.sqlState !== undefined) return `DATABASE ${error.sqlState}`
  return error instanceof CacheError ? error.code : 'UNAVAILABLE'
}

export function emitEvent(x: Exchange, type: OperationEvent['type']): void {
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

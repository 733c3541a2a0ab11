/** One request and what is known of it on its way through the response cache. */

import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js'
import type { Context } from 'hono'
import { type CacheStatus, cacheKey, cacheStatus, conditionOf, fieldDigests, type RequestHead } from '../http/index.ts'
import type { ResponseAnswer, ResponseStore } from '../postgres/responses/store.ts'
import { wallClock } from '../values/clock.ts'
import { CacheError, DatabaseError } from '../values/errors.ts'
import { type Cost, noCost, type OperationEvent } from '../values/events.ts'
import { randomUUID } from '../values/random.ts'
import type { Plan } from './options.ts'
import type { RequestKey } from './request-key.ts'
import { responseStoreOf } from './response-store.ts'
import { waitUntilOf } from './wait-until.ts'

export interface Exchange {
  readonly c: Context
  readonly plan: Plan
  readonly store: ResponseStore
  /** The client's own, whatever the handler is shown. */
  readonly request: Request
  readonly head: RequestHead
  /** The URL's key as it is stored. */
  readonly base: string
  readonly digests: Readonly<Record<string, string>>
  readonly token: string
  /** The store's clock less ours, once it is known: all isolates go by the store's. */
  clockOffsetMs: number
  readonly startedAt: number
  readonly cost: Cost
}

/** The key of a URL, before it is bounded: what purges name it by. */
export function urlKey(url: URL, plan: Pick<Plan, 'query'>): string {
  return cacheKey('GET', url, { query: plan.query })
}

export function createExchange(c: Context, plan: Plan, { url, parts }: RequestKey): Exchange {
  const store = responseStoreOf(plan.cacheOf(c))
  const request = c.req.raw
  const part = parts.length === 0 ? undefined : bytesToHex(sha256(utf8ToBytes(JSON.stringify(parts))))
  const base = store.keyOf(urlKey(url, plan), part)
  return {
    c,
    plan,
    store,
    request,
    head: { method: c.req.method, headers: request.headers },
    base,
    digests: Object.fromEntries(fieldDigests(request.headers, base)),
    token: randomUUID(),
    clockOffsetMs: 0,
    startedAt: wallClock(),
    cost: noCost(),
  }
}

/** The requests that hold leases, as another `responseCache` behind the first one sees them. */
const held = new WeakMap<Context, Set<string>>()

/** Notes that this request holds the lease of its URL. */
export function holding({ c, base }: Exchange): void {
  held.set(c, (held.get(c) ?? new Set()).add(base))
}

/** Whether this very request holds the lease that it would wait for. */
export function isHeld({ c, base }: Exchange): boolean {
  return held.get(c)?.has(base) ?? false
}

/** Epoch milliseconds by the store's clock. */
export function storeNow(x: Exchange): number {
  return wallClock() + x.clockOffsetMs
}

/** One round trip: the response that the request selects, or the right to ask the handler. */
export async function read(x: Exchange, { force = false, claims = false, whole = false } = {}) {
  const condition = whole ? undefined : conditionOf(x.head, storeNow(x))
  const sentAt = wallClock()
  const answer = await x.store.read(
    {
      base: x.base,
      digests: x.digests,
      token: x.token,
      leaseMs: x.plan.leaseMs,
      claims,
      force,
      sliding: x.plan.sliding,
      headOnly: x.head.method === 'HEAD',
      noneMatch: condition?.kind === 'none-match' ? condition.tags : undefined,
      modifiedSince: condition?.kind === 'modified-since' ? condition.at : undefined,
    },
    x.cost,
  )
  // As if the answer had been made half-way.
  x.clockOffsetMs = answer.now - (sentAt + wallClock()) / 2
  return answer satisfies ResponseAnswer
}

/** A response with the field that says what the cache did (RFC 9211); its other parts are the given ones. */
export function withStatus(x: Exchange, response: Response, status: CacheStatus): Response {
  const { statusName } = x.plan
  // A switch of protocols, or an error of the network: neither can be copied.
  if (statusName === undefined || response.status < 200 || response.status > 599) return response
  const headers = new Headers(response.headers)
  headers.set('cache-status', cacheStatus(response.headers.get('cache-status'), statusName, status))
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}

/** Makes a response the context's. A plain assignment would merge the header fields of the one before into it. */
export function replaceResponse(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

/**
 * Hands work over to whoever keeps it alive after the response.
 *
 * @returns the work itself where there is nobody, to be awaited; the work must not reject
 */
export function handOver(x: Exchange, work: Promise<void>): Promise<void> | undefined {
  const waitUntil = waitUntilOf(x.c, x.plan.waitUntil)
  if (waitUntil === undefined) return work
  try {
    waitUntil(work)
    return undefined
  } catch {
    return work
  }
}

/** What has to be told of: a store that was asked, and what that cost. */
type Spending = Pick<Exchange, 'store' | 'startedAt' | 'cost'>

/** A failure of the store in words that give nothing away. */
export function reasonOf(error: unknown): string {
  if (error instanceof DatabaseError && error.sqlState !== undefined) return `DATABASE ${error.sqlState}`
  return error instanceof CacheError ? error.code : 'UNAVAILABLE'
}

export function tell(x: Exchange, type: OperationEvent['type']): void {
  const durationMs = wallClock() - x.startedAt
  x.store.emit?.({ type, operation: 'responseCache', count: 1, durationMs, ...spent(x) })
}

export function tellFailure(x: Spending, error: unknown): void {
  const durationMs = wallClock() - x.startedAt
  x.store.emit?.({ type: 'error', operation: 'responseCache', error, durationMs, ...spent(x) })
}

/** What was spent since it was last told. */
function spent({ cost }: Spending): Cost {
  const { roundTrips, bytes } = cost
  Object.assign(cost, noCost())
  return { roundTrips, bytes }
}

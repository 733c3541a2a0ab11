/** Decides whether a stored response may answer a request (RFC 9111 4): fresh, stale, or only after validation. */
import {
  directivesOf,
  forbidsStoring,
  type RequestDirectives,
  type ResponseDirectives,
  requestDirectivesOf,
} from './cache-control.ts'
import { currentAgeMs, forbidsStale, freshness, initialAgeMs, remainingMs, staleWindows } from './freshness.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { FIRST_SERVER_ERROR, isServerError } from './statuses.ts'

const MS_PER_SECOND = 1_000

/** The status of `Response.error()`. */
const NETWORK_ERROR = 0

export interface Reuse {
  /**
   * - `fresh`: serve it
   * - `stale`: serve it, because the client accepts stale responses (max-stale)
   * - `stale-while-revalidate`: serve it, and validate it in the background
   * - `validate`: run the handler first
   * - `gateway-timeout`: answer 504, because the handler is needed but the client forbids it (only-if-cached)
   */
  readonly use: 'fresh' | 'stale' | 'stale-while-revalidate' | 'validate' | 'gateway-timeout'
  /** Why it is not served as a plain hit, as a reason of Cache-Status (RFC 9211 2.2). */
  readonly fwd: 'stale' | 'request' | undefined
  /** The remaining freshness lifetime in milliseconds; negative if it is stale. */
  readonly ttlMs: number
}

/** Decides how to use the stored response that the request's key and variant selected. */
export function reuse(request: RequestHead, stored: TimedResponse, now: number, policy: Policy): Reuse {
  const wanted = obeyedDirectives(request, policy)
  const ttlMs = remainingMs(stored, now, policy)
  const directives = directivesOf(stored, policy)
  const fallback = wanted?.onlyIfCached ? 'gateway-timeout' : 'validate'
  if (forbidsReuse(directives)) return { use: fallback, fwd: 'stale', ttlMs }
  if (wanted && refuses(wanted, stored, now, ttlMs, directives.immutable)) {
    return { use: fallback, fwd: 'request', ttlMs }
  }
  if (ttlMs > 0) return { use: 'fresh', fwd: undefined, ttlMs }
  const maxStale = wanted?.maxStale
  if (maxStale !== undefined && !forbidsStale(directives) && -ttlMs <= maxStale * MS_PER_SECOND) {
    return { use: 'stale', fwd: undefined, ttlMs }
  }
  // max-age without max-stale refuses stale responses (RFC 9111 5.2.1.1).
  if (wanted?.maxAge === undefined && -ttlMs < staleWindows(stored, policy).whileRevalidateMs) {
    return { use: 'stale-while-revalidate', fwd: 'stale', ttlMs }
  }
  return { use: fallback, fwd: 'stale', ttlMs }
}

/** True if the response could answer other requests when it arrived. Otherwise other requests must not wait for it. */
export function isShareable(stored: TimedResponse, policy: Policy): boolean {
  if (forbidsReuse(directivesOf(stored, policy))) return false
  // This ignores `staleSince`: a purge came after the response had arrived.
  const ttlMs = freshness(stored, policy).lifetimeMs - initialAgeMs(stored)
  return ttlMs > 0 || -ttlMs < staleWindows(stored, policy).whileRevalidateMs
}

/**
 * True if the stored response may replace an error: the handler threw, or answered 500, 502, 503 or 504 (RFC 5861 4).
 * Otherwise the client gets the error, as must-revalidate requires (RFC 9111 5.2.2.2).
 */
export function mayServeOnError(request: RequestHead, stored: TimedResponse, now: number, policy: Policy): boolean {
  const wanted = obeyedDirectives(request, policy)
  const directives = directivesOf(stored, policy)
  const staleMs = -remainingMs(stored, now, policy)
  if (forbidsReuse(directives) || wanted?.noCache) return false
  if (staleMs < 0) return true
  const acceptedMs = forbidsStale(directives) ? 0 : (wanted?.staleIfError ?? 0) * MS_PER_SECOND
  return staleMs < Math.max(staleWindows(stored, policy).ifErrorMs, acceptedMs)
}

/**
 * True if the handler failed, so that a stored response may replace its answer (`mayServeOnError`).
 *
 * A thrown error is a failure, even if the application turns it into a response. The exception is an error that carries
 * its own response (`getResponse`) with a status below 500. That response is the handler's answer. Hono's HTTPException
 * uses this for 404 and redirects.
 *
 * @param error the error that the handler threw; undefined if it returned
 */
export function hasFailed(status: number, error: unknown): boolean {
  if (error === undefined) return status === NETWORK_ERROR || isServerError(status)
  return status >= FIRST_SERVER_ERROR || !carriesResponse(error)
}

function carriesResponse(error: unknown): boolean {
  return typeof error === 'object' && error !== null && typeof Reflect.get(error, 'getResponse') === 'function'
}

/** True if the client forbids running the handler, so that a miss must be answered with 504 (RFC 9111 5.2.1.7). */
export function mustNotForward(request: RequestHead, policy: Policy): boolean {
  return obeyedDirectives(request, policy)?.onlyIfCached ?? false
}

/**
 * True if the response must not be used without validation. no-cache applies even to a fresh response (RFC 9111
 * 5.2.2.4). A stored response can have private or no-store if an earlier policy read another targeted field. The
 * current policy must not share that response.
 */
function forbidsReuse(directives: ResponseDirectives): boolean {
  return directives.noCache === true || directives.private === true || forbidsStoring(directives)
}

/** Returns the request's directives if the policy obeys them. */
function obeyedDirectives(request: RequestHead, policy: Policy): RequestDirectives | undefined {
  return policy.requestDirectives ? requestDirectivesOf(request) : undefined
}

/**
 * True if the request's directives refuse the stored response (RFC 9111 5.2.1). immutable overrides the max-age=0 that
 * a browser sends on reload. It does not override the no-cache of a forced reload (RFC 8246 2.1).
 */
function refuses(
  wanted: RequestDirectives,
  stored: TimedResponse,
  now: number,
  ttlMs: number,
  immutable: boolean,
): boolean {
  if (wanted.noCache) return true
  if (immutable && ttlMs > 0) return false
  const { maxAge, minFresh } = wanted
  const tooOld = maxAge !== undefined && currentAgeMs(stored, now) > maxAge * MS_PER_SECOND
  const tooClose = minFresh !== undefined && ttlMs < minFresh * MS_PER_SECOND
  return tooOld || tooClose
}

/** Whether a stored response may answer a request (RFC 9111 4): as it is, stale, or only once it is validated. */
import { currentAgeMs } from './age.ts'
import { forbidsStoring, type RequestDirectives, type ResponseDirectives, requestDirectives } from './cache-control.ts'
import { cachingDirectives } from './caching-directives.ts'
import { forbidsStale, remainingMs, staleWindows } from './freshness.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'

const MS_PER_SECOND = 1_000

export interface Reuse {
  /**
   * - `fresh`: serve it
   * - `stale`: serve it; the client said that this suits it (max-stale)
   * - `stale-while-revalidate`: serve it, and validate it in the background
   * - `validate`: ask the handler first
   * - `gateway-timeout`: answer 504; the handler would have to be asked, and the client forbade that (only-if-cached)
   */
  readonly use: 'fresh' | 'stale' | 'stale-while-revalidate' | 'validate' | 'gateway-timeout'
  /** Why it is not simply served, as a reason of Cache-Status (RFC 9211 2.2). */
  readonly fwd: 'stale' | 'request' | undefined
  /** What is left of its freshness, in milliseconds; negative once it is stale. */
  readonly ttlMs: number
}

/** The decision for a response that the request's key and variant have selected. */
export function reuse(request: RequestHead, stored: TimedResponse, now: number, policy: Policy): Reuse {
  const wishes = wishesOf(request, policy)
  const ttlMs = remainingMs(stored, now, policy)
  const directives = cachingDirectives(stored.headers, policy.targetedFields)
  const ask = wishes?.onlyIfCached ? 'gateway-timeout' : 'validate'
  if (forbidsReuse(directives)) return { use: ask, fwd: 'stale', ttlMs }
  if (wishes && refuses(wishes, stored, now, ttlMs, directives.immutable)) return { use: ask, fwd: 'request', ttlMs }
  if (ttlMs > 0) return { use: 'fresh', fwd: undefined, ttlMs }
  const staleWanted = wishes?.maxStale
  if (staleWanted !== undefined && !forbidsStale(directives) && -ttlMs <= staleWanted * MS_PER_SECOND) {
    return { use: 'stale', fwd: undefined, ttlMs }
  }
  // max-age without max-stale means that nothing stale is wanted (RFC 9111 5.2.1.1).
  if (wishes?.maxAge === undefined && -ttlMs < staleWindows(stored, policy).whileRevalidateMs) {
    return { use: 'stale-while-revalidate', fwd: 'stale', ttlMs }
  }
  return { use: ask, fwd: 'stale', ttlMs }
}

/** Whether a stored response could answer others when it came: otherwise each asks for itself, and waits for nobody. */
export function isShareable(stored: TimedResponse, policy: Policy): boolean {
  const anybody: RequestHead = { method: 'GET', headers: new Headers() }
  return reuse(anybody, { ...stored, staleSince: undefined }, stored.responseAt, policy).use !== 'validate'
}

/**
 * Whether the stored response may take the place of an error: the handler threw, or answered 500, 502, 503 or 504
 * (RFC 5861 4). If not, the error goes to the client; RFC 9111 5.2.2.2 asks for one, and never for a stale response.
 */
export function mayServeOnError(request: RequestHead, stored: TimedResponse, now: number, policy: Policy): boolean {
  const wishes = wishesOf(request, policy)
  const directives = cachingDirectives(stored.headers, policy.targetedFields)
  const staleMs = -remainingMs(stored, now, policy)
  if (forbidsReuse(directives) || wishes?.noCache) return false
  if (staleMs < 0) return true
  const asked = forbidsStale(directives) ? 0 : (wishes?.staleIfError ?? 0) * MS_PER_SECOND
  return staleMs < Math.max(staleWindows(stored, policy).ifErrorMs, asked)
}

/** Whether a request for which nothing is stored must be answered with 504 (RFC 9111 5.2.1.7). */
export function mustNotForward(request: RequestHead, policy: Policy): boolean {
  return wishesOf(request, policy)?.onlyIfCached ?? false
}

/**
 * no-cache holds while fresh, too (RFC 9111 5.2.2.4). The others forbade to store it: it is here because another policy read
 * another targeted field, and a new one must not share what it would not store.
 */
function forbidsReuse(directives: ResponseDirectives): boolean {
  return directives.noCache === true || directives.private === true || forbidsStoring(directives)
}

function wishesOf(request: RequestHead, policy: Policy): RequestDirectives | undefined {
  return policy.requestDirectives ? requestDirectives(request.headers) : undefined
}

/** RFC 9111 5.2.1. A reload sends max-age=0, which immutable is there to spare; no-cache insists (RFC 8246 2.1). */
function refuses(
  wishes: RequestDirectives,
  stored: TimedResponse,
  now: number,
  ttlMs: number,
  immutable: boolean,
): boolean {
  if (wishes.noCache) return true
  if (immutable && ttlMs > 0) return false
  const { maxAge, minFresh } = wishes
  const tooOld = maxAge !== undefined && currentAgeMs(stored, now) > maxAge * MS_PER_SECOND
  const tooClose = minFresh !== undefined && ttlMs < minFresh * MS_PER_SECOND
  return tooOld || tooClose
}

/**
 * Computes a response's age (RFC 9111 4.2.3), its freshness lifetime (4.2.1 and 4.2.2), and how long it may be served
 * stale (4.2.4, RFC 5861).
 */
import { type CachingDirectives, directivesOf, parseDirectives } from './cache-control.ts'
import { deltaSeconds, listMembers, MAX_DELTA_SECONDS, parseHttpDate } from './fields.ts'
import type { TimedResponse } from './message.ts'
import { oncePer } from './once-per.ts'
import type { Policy } from './policy.ts'
import { isHeuristicallyCacheable } from './statuses.ts'

const MS_PER_SECOND = 1_000

/** Returns the first member of the Age field in seconds, or undefined if it is invalid (RFC 9111 5.1). */
export function parseAge(value: string | null): number | undefined {
  return deltaSeconds(listMembers(value)[0] ?? '')
}

/**
 * Returns when the response was generated: its Date or, without one, the whole second of its receipt (RFC 9110 6.6.1).
 */
export const dateOf = oncePer(({ headers, responseAt }: TimedResponse): number => {
  return parseHttpDate(headers.get('date'), responseAt) ?? Math.floor(responseAt / MS_PER_SECOND) * MS_PER_SECOND
})

/** Returns corrected_initial_age in milliseconds: the larger of both estimates, which is the conservative choice. */
export const initialAgeMs = oncePer((response: TimedResponse): number => {
  // Round down, because a Date has no fractions: a response generated just now would seem up to a second old.
  const apparentSeconds = Math.floor((response.responseAt - dateOf(response)) / MS_PER_SECOND)
  const delay = Math.max(0, response.responseAt - response.requestAt)
  const corrected = (parseAge(response.headers.get('age')) ?? 0) * MS_PER_SECOND + delay
  return Math.max(apparentSeconds * MS_PER_SECOND, corrected)
})

/** Returns current_age in milliseconds. */
export function currentAgeMs(response: TimedResponse, now: number): number {
  // Never negative: another machine may have stored the response, and its clock may be ahead of this one.
  return initialAgeMs(response) + Math.max(0, now - response.responseAt)
}

/** Returns the Age that a response served from the cache must carry (RFC 9111 4 and 5.1). */
export function ageValue(response: TimedResponse, now: number): string {
  return String(Math.min(Math.floor(currentAgeMs(response, now) / MS_PER_SECOND), MAX_DELTA_SECONDS))
}

export type FreshnessSource = 's-maxage' | 'max-age' | 'expires' | 'default' | 'heuristic' | 'none'

export interface Freshness {
  readonly lifetimeMs: number
  readonly source: FreshnessSource
}

/** How long after becoming stale a response may still be served, in milliseconds. */
export interface StaleWindows {
  readonly whileRevalidateMs: number
  readonly ifErrorMs: number
}

/**
 * Returns the freshness lifetime. A response with neither an explicit nor an assigned lifetime is stale from the start.
 */
export function freshness(response: TimedResponse, policy: Policy): Freshness {
  const directives = directivesOf(response, policy)
  return explicitFreshness(response, directives) ?? assignedFreshness(response, directives, policy)
}

/** Returns the freshness that the response itself states (RFC 9111 4.2.1): s-maxage before max-age before Expires. */
export function explicitFreshness(response: TimedResponse, directives: CachingDirectives): Freshness | undefined {
  const { sMaxAge, maxAge, targeted } = directives
  if (sMaxAge !== undefined) return { lifetimeMs: sMaxAge * MS_PER_SECOND, source: 's-maxage' }
  if (maxAge !== undefined) return { lifetimeMs: maxAge * MS_PER_SECOND, source: 'max-age' }
  return targeted ? undefined : expiresFreshness(response)
}

const expiresFreshness = oncePer((response: TimedResponse): Freshness | undefined => {
  const expires = response.headers.get('expires')
  if (expires === null) return undefined
  // An invalid date, most often `0`, counts as past (RFC 9111 5.3).
  const expiresAt = parseHttpDate(expires, response.responseAt) ?? Number.NEGATIVE_INFINITY
  return { lifetimeMs: Math.max(0, expiresAt - dateOf(response)), source: 'expires' }
})

/** True if a response without explicit freshness may be assigned a lifetime (RFC 9111 3 and 4.2.2). */
export function mayAssignFreshness(status: number, directives: CachingDirectives): boolean {
  return directives.public || isHeuristicallyCacheable(status)
}

/**
 * Returns how long after `responseAt` the response is fresh, and how long it may be served at all, in milliseconds.
 *
 * no-cache forbids every use without validation, so a response with no-cache counts as stale at once. The lookup then
 * claims the lease in the same round trip. Otherwise the claim would take a second one.
 */
export function servingSpans(response: TimedResponse, policy: Policy): { freshMs: number; staleMs: number } {
  const left = freshness(response, policy).lifetimeMs - initialAgeMs(response)
  const { whileRevalidateMs, ifErrorMs } = staleWindows(response, policy)
  const mustValidate = directivesOf(response, policy).noCache === true
  return {
    freshMs: mustValidate ? 0 : Math.max(0, left),
    staleMs: Math.max(0, left + Math.max(whileRevalidateMs, ifErrorMs)),
  }
}

/** True if an explicit directive prohibits serving the response stale (RFC 9111 4.2.4). */
export function forbidsStale(directives: CachingDirectives): boolean {
  const { mustRevalidate, proxyRevalidate, sMaxAge, noCache } = directives
  return mustRevalidate || proxyRevalidate || sMaxAge !== undefined || noCache === true
}

/**
 * Returns the response's windows, or the policy's if the response names none. Both are 0 if a directive prohibits them.
 */
export function staleWindows(response: TimedResponse, policy: Policy): StaleWindows {
  const directives = directivesOf(response, policy)
  const { sMaxAge, ...rest } = directives
  const stated = policy.allowStaleWithSMaxAge ? { ...rest, sMaxAge: undefined } : directives
  // The policy's windows do not apply to a response that was never fresh: it is meant to be revalidated every time.
  const isNeverFresh = freshness(response, policy).lifetimeMs <= initialAgeMs(response)
  const hasNoDefault = isNeverFresh || sMaxAge !== undefined
  const window = (named: number | undefined, byDefault: number) =>
    forbidsStale(stated) ? 0 : (named ?? (hasNoDefault ? 0 : byDefault)) * MS_PER_SECOND
  return {
    whileRevalidateMs: window(directives.staleWhileRevalidate, policy.staleWhileRevalidate),
    ifErrorMs: window(directives.staleIfError, policy.staleIfError),
  }
}

/** Returns the remaining lifetime in milliseconds; negative if the response is stale. */
export function remainingMs(response: TimedResponse, now: number, policy: Policy): number {
  const left = freshness(response, policy).lifetimeMs - currentAgeMs(response, now)
  return response.staleSince === undefined ? left : Math.min(left, response.staleSince - now)
}

function assignedFreshness(response: TimedResponse, directives: CachingDirectives, policy: Policy): Freshness {
  if (!mayAssignFreshness(response.status, directives) || hasOnlyPragma(response.headers)) return NONE
  if (policy.defaultLifetime !== undefined) {
    return { lifetimeMs: policy.defaultLifetime * MS_PER_SECOND, source: 'default' }
  }
  const date = dateOf(response)
  const modifiedAt = parseHttpDate(response.headers.get('last-modified'), date)
  if (policy.heuristic === undefined || modifiedAt === undefined || modifiedAt >= date) return NONE
  const { fraction, maxSeconds } = policy.heuristic
  return { lifetimeMs: Math.min((date - modifiedAt) * fraction, maxSeconds * MS_PER_SECOND), source: 'heuristic' }
}

const NONE: Freshness = { lifetimeMs: 0, source: 'none' }

/**
 * True if `Pragma: no-cache` is the only directive. No RFC specifies it in a response (RFC 9111 5.4), but a server that
 * sends it does not want an assigned lifetime.
 */
function hasOnlyPragma(headers: Headers): boolean {
  return !headers.has('cache-control') && parseDirectives(headers.get('pragma')).has('no-cache')
}

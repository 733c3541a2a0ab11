/** Decides whether a response may be stored (RFC 9111 3), and if not, why. */

import {
  type CachingDirectives,
  directivesOf,
  forbidsStoring,
  requestDirectivesOf,
  restrictedFields,
} from './cache-control.ts'
import { deltaSeconds } from './fields.ts'
import { explicitFreshness, freshness, initialAgeMs, mayAssignFreshness, staleWindows } from './freshness.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { hasContent } from './requests.ts'
import { isOfOneClient, isServerFailure, isStorable, isUnderstood, PARTIAL_CONTENT } from './statuses.ts'
import { hasValidator } from './validators.ts'
import { varyNames } from './vary.ts'

/** Stable words, also used as the `detail` of Cache-Status. */
export type StoreRefusal =
  | 'method'
  | 'request-content'
  | 'request-no-store'
  | 'partial'
  | 'event-stream'
  | 'status'
  | 'must-understand'
  | 'no-store'
  | 'private'
  | 'authorization'
  | 'set-cookie'
  | 'vary'
  | 'not-cacheable'
  | 'not-reusable'
  /** Only for partial responses (`mayStorePart`). */
  | 'multipart'
  | 'content-range'
  | 'ranges'
  | 'validator'
  /** Only for responses to POST (`mayStorePost`). */
  | 'content-location'
  | 'freshness'

export type StoreDecision = { readonly store: true } | { readonly store: false; readonly reason: StoreRefusal }

export interface Candidate {
  readonly request: RequestHead
  readonly response: TimedResponse
  readonly directives: CachingDirectives
  readonly policy: Policy
}

/** A reason, and whether it applies to a candidate. */
export type Rule = readonly [StoreRefusal, (candidate: Candidate) => boolean]

const EVENT_STREAM = /^\s*text\/event-stream\s*(?:;|$)/i

/** RFC 9111 3: the method must be understood. HEAD has no body to store, and can only freshen (4.3.5). */
export const IS_GET: Rule = ['method', ({ request }) => request.method !== 'GET']

/** RFC 9110 9.3.1: content in a GET has no meaning, so the key ignores it. But a handler might use it. */
export const HAS_NO_CONTENT: Rule = ['request-content', ({ request }) => hasContent(request.headers)]

const IS_WHOLE: readonly Rule[] = [
  // RFC 9111 3.3: a part answers only requests for a part. `mayStorePart` decides about those.
  ['partial', ({ response }) => response.status === PARTIAL_CONTENT || namesRange(response.headers)],
  // RFC 9111 3: the status must be final. RFC 6585 3 to 6 forbids some, and the user may exclude more.
  ['status', ({ response: { status }, policy }) => !isStorable(status) || policy.statuses?.has(status) === false],
]

/** The rules for every response, whole or partial, to any method. */
export const RULES: readonly Rule[] = [
  // RFC 9111 5.2.1.5: a MUST NOT, even if the policy ignores request directives.
  ['request-no-store', ({ request }) => requestDirectivesOf(request).noStore],
  // A stored stream would replay the events of an earlier client (HTML 9.2). Waiters would wait for a stream that does
  // not end.
  ['event-stream', ({ response }) => EVENT_STREAM.test(response.headers.get('content-type') ?? '')],
  // RFC 9111 5.2.2.3.
  ['must-understand', ({ directives, response }) => directives.mustUnderstand && !isUnderstood(response.status)],
  // RFC 9111 5.2.2.5.
  ['no-store', ({ directives }) => forbidsStoring(directives)],
  // RFC 9111 5.2.2.7.
  ['private', ({ directives }) => directives.private === true],
  ['authorization', forbidsAuthenticated],
  ['set-cookie', forbidsSetCookie],
  // RFC 9111 4.1: `*` never matches.
  ['vary', ({ response, policy }) => varyNames(response.headers, policy) === '*'],
  ['not-cacheable', isNotCacheable],
  ['not-reusable', isNotReusable],
]

/** Decides whether a shared cache may store this response to this request, and whether it could ever use it. */
export function mayStore(request: RequestHead, response: TimedResponse, policy: Policy): StoreDecision {
  return decide([IS_GET, HAS_NO_CONTENT, ...IS_WHOLE, ...RULES], request, response, policy)
}

/**
 * True if this response may replace a stored response to GET, or a stored part of one.
 *
 * @param request the GET or HEAD that validated it
 */
export function mayStoreUpdate(request: RequestHead, response: TimedResponse, policy: Policy): boolean {
  const isPart = response.status === PARTIAL_CONTENT
  return decide([HAS_NO_CONTENT, ...(isPart ? [] : IS_WHOLE), ...RULES], request, response, policy).store
}

/** Reports the first refusal that applies. */
export function decide(
  rules: readonly Rule[],
  request: RequestHead,
  response: TimedResponse,
  policy: Policy,
): StoreDecision {
  const candidate = { request, response, directives: directivesOf(response, policy), policy }
  const refusal = rules.find(([, refuses]) => refuses(candidate))
  return refusal ? { store: false, reason: refusal[0] } : { store: true }
}

/** Refusals that say something about the resource. All others concern only the request, or the form of the response. */
const OF_RESOURCE: ReadonlySet<string> = new Set<StoreRefusal>([
  'event-stream',
  'must-understand',
  'no-store',
  'not-cacheable',
  'not-reusable',
  'private',
  'set-cookie',
  'status',
  'vary',
])

/**
 * True if a response that may not be stored shows that the stored response is outdated. The resource is gone, has
 * moved, or became private. "The cache MUST use the full response to satisfy the request", and the stored one is no
 * longer suitable (RFC 9111 4.3.3).
 *
 * @param refusal why the new response is not stored
 */
export function supersedes(status: number, refusal: string | undefined): boolean {
  return refusal !== undefined && OF_RESOURCE.has(refusal) && !isServerFailure(status) && !isOfOneClient(status)
}

/**
 * True if the whole content arrived (RFC 9111 3.3; RFC 9112 8). Only complete responses may be stored.
 *
 * @param bytes how many bytes arrived
 * @param ended whether the stream ended by itself, not by an error or an abort
 * @param options.encoded whether the bytes are in the coding that Content-Encoding names; false if the runtime decoded
 *   them. Content-Length counts encoded bytes, so for decoded bytes only the runtime can tell whether all arrived.
 */
export function isComplete(headers: Headers, bytes: number, ended: boolean, { encoded = true } = {}): boolean {
  const isDecoded = !encoded && headers.has('content-encoding')
  const length = isDecoded ? null : headers.get('content-length')
  return ended && (length === null || deltaSeconds(length) === bytes)
}

/**
 * True if Content-Range names a range. The field has a meaning only with 206 and 416 (RFC 9110 14.4), but a server that
 * sends it with a 200 may have sent a part. Every form of the field has a slash.
 */
export function namesRange(headers: Headers): boolean {
  return headers.get('content-range')?.includes('/') ?? false
}

/** True if the request's Authorization forbids storing the response (RFC 9111 3.5). */
function forbidsAuthenticated({ request, directives, policy }: Candidate): boolean {
  if (policy.authenticated === 'keyed' || !request.headers.has('authorization')) return false
  return policy.authenticated === 'never' || !directives.allowsAuthenticated
}

/**
 * True if Set-Cookie forbids storing. RFC 9111 7.3 allows storing Set-Cookie, but all clients would get one client's
 * cookie. A response may be stored if its private or no-cache directive excludes the field.
 */
function forbidsSetCookie({ response, directives, policy }: Candidate): boolean {
  if (policy.storeSetCookie || !response.headers.has('set-cookie')) return false
  const excluded = [...restrictedFields(directives.private), ...restrictedFields(directives.noCache)]
  return !excluded.includes('set-cookie')
}

/** True unless the response has explicit freshness, public, or a heuristically cacheable status (RFC 9111 3). */
function isNotCacheable({ response, directives }: Candidate): boolean {
  return !explicitFreshness(response, directives) && !mayAssignFreshness(response.status, directives)
}

/**
 * True if the response is not fresh, can never be served stale, and cannot be validated. Storing it is useless (RFC
 * 9111 3).
 */
function isNotReusable({ response, directives, policy }: Candidate): boolean {
  if (hasValidator(response)) return false
  const { whileRevalidateMs, ifErrorMs } = staleWindows(response, policy)
  const servableMs = freshness(response, policy).lifetimeMs + Math.max(whileRevalidateMs, ifErrorMs)
  // no-cache forbids serving the response without validation, even while it is fresh (RFC 9111 5.2.2.4).
  return directives.noCache === true || servableMs <= initialAgeMs(response)
}

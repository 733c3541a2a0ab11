/**
 * Stores the response to a POST as the response of its URL (RFC 9110 9.3.3, RFC 9111 4).
 *
 * "Responses to POST requests are only cacheable when they include explicit freshness information and a
 * Content-Location header field that has the same value as the POST's target URI. A cached POST response can be reused
 * to satisfy a later GET or HEAD request." A POST itself always goes to the handler, because it is unsafe.
 */
import { explicitFreshness } from './freshness.ts'
import { resolveReference, withoutFragment } from './invalidation.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { decide, namesRange, RULES, type Rule, type StoreDecision } from './storing.ts'

const POST_RULES: readonly Rule[] = [
  ['method', ({ request }) => request.method !== 'POST'],
  // Any other status describes the outcome of this POST, not the resource.
  ['status', ({ response: { status }, policy }) => status !== 200 || policy.statuses?.has(status) === false],
  ['partial', ({ response }) => namesRange(response.headers)],
  // A lifetime from the policy does not count: the origin itself must allow reuse.
  ['freshness', ({ response, directives }) => explicitFreshness(response, directives) === undefined],
  ...RULES,
]

/** Decides whether a shared cache may store the response to a POST under the key of a GET of the same URL. */
export function mayStorePost(request: RequestHead, url: URL, response: TimedResponse, policy: Policy): StoreDecision {
  const decision = decide(POST_RULES, request, response, policy)
  return decision.store && !isRepresentationOf(url, response) ? { store: false, reason: 'content-location' } : decision
}

/**
 * True if Content-Location says that the content represents this URL (RFC 9110 8.7). An empty field would resolve to
 * the URL too, but is more likely a mistake than a statement.
 */
function isRepresentationOf(url: URL, { headers }: TimedResponse): boolean {
  const location = resolveReference(headers.get('content-location') || null, url)
  return location !== undefined && withoutFragment(location).href === withoutFragment(url).href
}

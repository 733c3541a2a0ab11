/**
 * Decides what a 304 from the handler means for the stored response and for the client (RFC 9111 4.3.3 and 4.3.4).
 *
 * The handler saw one condition: the validators of the stored response (`forwardedFields`). Afterwards `answer` with
 * `validated: true` evaluates the client's own condition against the outcome's `response`.
 */

import { comparableOf, conditionOf, isNotModified } from './conditional.ts'
import { type Freshened, freshenBy304 } from './freshening.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { entityTagOf, weakMatch } from './validators.ts'
import { varyNames } from './vary.ts'

/**
 * - `update`: store the updated `response`, and answer with it. "The cache MUST update its header fields with the
 *   header fields provided in the 304 (Not Modified) response" (RFC 9111 4.3.4).
 * - `leave`: answer with the updated `response`, but store nothing. The update must not be stored because of the
 *   request's Authorization (3.5) or no-store (5.2.1.5).
 * - `delete`: answer with the updated `response`, and delete the stored variant. The update brought no-store (5.2.2.5),
 *   private (5.2.2.7), or a Vary beyond the variant's key (4.1).
 */
interface Identified extends Pick<Freshened, 'response' | 'unshared'> {
  readonly kind: 'update' | 'leave' | 'delete'
}

/**
 * Answer with the stored `response` as it was, and delete the stored variant.
 *
 * The 304 has a strong entity tag, and the stored response has the same tag as a weak one. The handler compared them
 * weakly, as If-None-Match requires (RFC 9110 13.1.2). So its 304 allows answering with the stored response (RFC 9110
 * 15.4.5). But "if none of the initial set contains at least one of the same strong validators, then the cache MUST NOT
 * use the new response to update any stored responses" (RFC 9111 4.3.4).
 *
 * If the variant stayed, it could never become fresh again, and every later request would run the handler. After the
 * deletion, the next request gets a full response, which is fresh for its whole lifetime.
 */
interface Equivalent {
  readonly kind: 'equivalent'
  readonly response: TimedResponse
}

/**
 * The 304 is about another representation, so it "MUST NOT" update the stored response (RFC 9111 4.3.4). Delete the
 * stored variant: a request without conditions then fetches that representation.
 *
 * A client that has that representation gets the 304. For other clients, run the handler again without conditions, or
 * answer with the stored response if the handler can run only once.
 */
interface Other {
  readonly kind: 'other'
  /** Whether the 304 answers the client's own condition. */
  readonly isForClient: boolean
}

export type Judged304 = Identified | Equivalent | Other

/**
 * Judges the handler's 304 to a request that carried the validators of the stored response.
 *
 * @param notModified the 304, with the instants of its own request
 * @param names the fields that the key of the stored variant covers
 */
export function judge304(
  request: RequestHead,
  stored: TimedResponse,
  notModified: TimedResponse,
  policy: Policy,
  names: readonly string[],
): Judged304 {
  const freshened = freshenBy304(request, stored, notModified, policy)
  if (freshened !== undefined) {
    const { response, unshared, store } = freshened
    return { kind: isCovered(response, policy, names) ? store : 'delete', response, unshared }
  }
  if (weakMatch(entityTagOf(notModified), entityTagOf(stored))) return { kind: 'equivalent', response: stored }
  const condition = conditionOf(request, notModified.responseAt)
  return { kind: 'other', isForClient: condition !== undefined && isNotModified(condition, comparableOf(notModified)) }
}

/**
 * True if the names cover all fields that the response varies on. A 304 may name more fields than the stored response
 * did.
 */
function isCovered({ headers }: TimedResponse, policy: Policy, names: readonly string[]): boolean {
  const varied = varyNames(headers, policy)
  return varied !== '*' && varied.every((name) => names.includes(name))
}

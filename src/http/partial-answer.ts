/**
 * Answers a request for a range from a stored part (RFC 9111 3.3): with 206, or with 304 if the client's condition says
 * so.
 */
import { type Answer, type AnswerOptions, type ByteRange, contentRange, ifRangeHolds, selectRange } from './answer.ts'
import { comparableOf, conditionOf, isNotModified, notModifiedFields } from './conditional.ts'
import { ageValue } from './freshness.ts'
import type { RequestHead } from './message.ts'
import { locate } from './partial-ranges.ts'
import type { StoredPart } from './partial-storing.ts'
import { NOT_MODIFIED, PARTIAL_CONTENT } from './statuses.ts'

/**
 * Returns the requested range if the stored part contains all bytes of that range.
 *
 * "A cache MUST NOT use an incomplete response to answer requests unless [...] the request is partial and specifies a
 * range wholly within the incomplete response" (RFC 9111 3.3). If the If-Range condition fails, the request is for the
 * whole representation. The origin handles an unsatisfiable range.
 */
export function heldRange(request: RequestHead, { response, parts }: StoredPart): ByteRange | undefined {
  if (request.method !== 'GET' || !ifRangeHolds(request, response)) return undefined
  const range = selectRange(request.headers.get('range'), parts.completeLength)
  return typeof range === 'object' && locate(parts, range) !== undefined ? range : undefined
}

/**
 * Answers from the part, or returns undefined if bytes are missing. The caller asks `reuse` first whether the part is
 * fresh.
 *
 * @returns an answer whose `body` has positions in the stored bytes, which are the concatenated parts
 */
export function answerPart(
  request: RequestHead,
  stored: StoredPart,
  { now, validated = false }: Pick<AnswerOptions, 'now' | 'validated'>,
): Answer | undefined {
  const { response, parts } = stored
  const range = heldRange(request, stored)
  const body = range && locate(parts, range)
  if (range === undefined || body === undefined) return undefined
  const headers = new Headers(response.headers)
  if (!validated) headers.set('age', ageValue(response, now))
  // A stored 206 that satisfies the request is compared with the request's condition, too (RFC 9111 4.3.2).
  const condition = conditionOf(request, now)
  if (condition && isNotModified(condition, comparableOf(response))) {
    return { status: NOT_MODIFIED, headers: notModifiedFields(headers), body: 'none' }
  }
  headers.set('content-range', contentRange(range, parts.completeLength))
  headers.set('content-length', String(range.last - range.first + 1))
  return { status: PARTIAL_CONTENT, headers, body }
}

/** The request to the handler if a part of the representation is stored (RFC 9111 3.3 and 4.3). */
import { forwardedFields } from './forwarding.ts'
import type { RequestHead } from './message.ts'
import { heldRange } from './partial-answer.ts'
import { missingRanges } from './partial-ranges.ts'
import type { StoredPart } from './partial-storing.ts'
import { entityTagOf } from './validators.ts'

/**
 * - `validate`: the part has all requested bytes, but is stale. A 304 updates it (`judge304`).
 * - `range`: bytes are missing. The handler gets the client's Range and If-Range. A 206 may extend the part (`combineParts`).
 * - `whole`: the client wants the whole. A 200 replaces the part.
 */
export type PartForward = 'validate' | 'range' | 'whole'

/**
 * Returns the fields to forward. The client's If-None-Match and If-Modified-Since stay here, as on a miss: `isHeldByClient`
 * evaluates them against the response.
 *
 * The part's entity tag is sent only for a range that the part satisfies. A 304 to any other request would have no stored bytes
 * to redirect to (RFC 9111 4.3.2).
 */
export function forwardPart(request: RequestHead, stored: StoredPart): { purpose: PartForward; headers: Headers } {
  const headers = forwardedFields(request.headers)
  if (request.method !== 'GET' || !request.headers.has('range')) return { purpose: 'whole', headers }
  for (const name of ['range', 'if-range']) {
    const value = request.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  const isHeld = heldRange(request, stored) !== undefined
  // Last-Modified is not sent for a subrange (RFC 9111 4.3.1).
  if (!isHeld || entityTagOf(stored.response) === undefined) return { purpose: 'range', headers }
  headers.set('if-none-match', stored.response.headers.get('etag') ?? '')
  return { purpose: 'validate', headers }
}

/**
 * Returns the fields of a request for the missing bytes only, with which a request for the whole can be answered: "A cache MAY
 * complete a stored incomplete response by making a subsequent range request" (RFC 9111 3.3). Undefined if that is impossible:
 * the request is not for the whole, or the part has several gaps.
 *
 * If-Range asks for the whole in case it has changed. A 206 that `combineParts` refuses comes from a handler that ignores
 * If-Range. That 206 answers nothing, so the handler must run again with the fields of `forwardPart`.
 */
export function completionFields(request: RequestHead, { response, parts }: StoredPart): Headers | undefined {
  const [gap, ...others] = missingRanges(parts)
  if (request.method !== 'GET' || request.headers.has('range') || gap === undefined || others.length > 0)
    return undefined
  const [first, last] = gap
  const headers = forwardedFields(request.headers)
  headers.set('range', `bytes=${first}-${last === parts.completeLength - 1 ? '' : last}`)
  headers.set('if-range', response.headers.get('etag') ?? response.headers.get('last-modified') ?? '')
  return headers
}

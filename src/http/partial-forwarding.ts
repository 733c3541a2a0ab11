/** Prepares the request to the handler if a part of the representation is stored (RFC 9111 3.3 and 4.3). */
import { forwardedFields } from './forwarding.ts'
import type { RequestHead } from './message.ts'
import { heldRange } from './partial-answer.ts'
import type { StoredPart } from './partial-storing.ts'
import { entityTagOf } from './validators.ts'

/**
 * - `validate`: the part has all requested bytes, but is stale. A 304 updates it (`judge304`).
 * - `range`: bytes are missing. The handler gets the client's Range and If-Range. A 206 may extend the part
 *   (`combineParts`).
 * - `whole`: the client wants the whole. A 200 replaces the part.
 */
export type PartForward = 'validate' | 'range' | 'whole'

/**
 * Returns the fields to forward. As on a miss, the cache does not forward the client's If-None-Match and
 * If-Modified-Since. `isHeldByClient` evaluates them against the response.
 *
 * The part's entity tag is sent only for a range that the part satisfies. After a 304 to any other request, the cache
 * would have no stored bytes to answer with (RFC 9111 4.3.2).
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

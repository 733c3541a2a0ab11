/** The header fields of a request to the handler, which fills the cache or validates a stored response. */
import type { TimedResponse } from './message.ts'
import { entityTagOf, hasValidator, lastModifiedOf } from './validators.ts'

/** The cache answers these conditions itself. A handler that obeys them would not send the whole response to store. */
const ANSWERED_HERE = ['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'range']

/**
 * Returns a copy of the request's fields, with the stored response's validators in place of the client's conditions.
 *
 * Every other field stays. That includes Cache-Control, which a cache must pass on (RFC 9111 5.2).
 *
 * @param stored the response to validate (RFC 9111 4.3.1); undefined on a miss
 */
export function forwardedFields(request: Headers, stored?: TimedResponse): Headers {
  const headers = new Headers(request)
  for (const name of ANSWERED_HERE) headers.delete(name)
  if (stored === undefined || !hasValidator(stored)) return headers
  if (entityTagOf(stored)) headers.set('if-none-match', stored.headers.get('etag') ?? '')
  if (lastModifiedOf(stored) !== undefined) {
    headers.set('if-modified-since', stored.headers.get('last-modified') ?? '')
  }
  return headers
}

/** The header fields of a request that goes on to the handler, to fill the cache or to validate what it holds. */
import type { TimedResponse } from './message.ts'
import { entityTagOf, hasValidator, lastModifiedOf } from './validators.ts'

/** The cache answers these itself: a handler that heeds them sends a part, or nothing, where the whole is to be stored. */
const ANSWERED_HERE = ['if-match', 'if-modified-since', 'if-none-match', 'if-range', 'if-unmodified-since', 'range']

/**
 * The request's fields, as a copy, with the validators of the stored response in place of the client's conditions.
 *
 * Every other field stays, Cache-Control included: it has to be passed on (RFC 9111 5.2).
 *
 * @param stored the response to validate (RFC 9111 4.3.1); none on a miss
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

/** What a stored response is validated by: its entity tag and its Last-Modified (RFC 9110 8.8). */
import { dateOf } from './age.ts'
import { type EntityTag, parseEntityTag } from './entity-tag.ts'
import { parseHttpDate } from './http-date.ts'
import type { TimedResponse } from './message.ts'
import { isSuccess } from './statuses.ts'

/** What RFC 9110 8.8.2.2 asks for before a date with a resolution of a second identifies one representation. */
const STRONG_AFTER_MS = 1_000

export function entityTagOf(response: TimedResponse): EntityTag | undefined {
  return parseEntityTag(response.headers.get('etag'))
}

/** Last-Modified in epoch milliseconds; undefined where it is absent or malformed. */
export function lastModifiedOf(response: TimedResponse): number | undefined {
  return parseHttpDate(response.headers.get('last-modified'), response.responseAt)
}

/**
 * Whether it can be validated. A condition is heeded only where the answer would be a success (RFC 9110 13.2.1): to what has
 * come into being since a 404, under the tag that its page had, a 304 would make it a 404 again.
 */
export function hasValidator(response: TimedResponse): boolean {
  if (!isSuccess(response.status)) return false
  return entityTagOf(response) !== undefined || lastModifiedOf(response) !== undefined
}

/** Whether its Last-Modified identifies one representation, byte for byte. */
export function isStrongLastModified(response: TimedResponse): boolean {
  const modifiedAt = lastModifiedOf(response)
  return modifiedAt !== undefined && dateOf(response) - modifiedAt >= STRONG_AFTER_MS
}

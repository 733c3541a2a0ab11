/**
 * Evaluates the conditional requests that the cache itself answers (RFC 9111 4.3.2, RFC 9110 13).
 *
 * Only the origin may evaluate If-Match and If-Unmodified-Since, so they are ignored here. A condition and its
 * `Comparable` are plain data, so that an SQL statement can compare them before it reads a body.
 */
import { parseHttpDate } from './fields.ts'
import { dateOf } from './freshness.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { isAnswerable } from './requests.ts'
import { PARTIAL_CONTENT } from './statuses.ts'
import { entityTagOf, lastModifiedOf, parseEntityTags } from './validators.ts'

export type Condition =
  /** Entity tags without quotes and `W/`, because the weak comparison ignores both. */
  | { readonly kind: 'none-match'; readonly tags: readonly string[] | '*' }
  | { readonly kind: 'modified-since'; readonly at: number }

/** The validators that a condition is compared with. Both are stored with the response. */
export interface Comparable {
  readonly tag: string | undefined
  /** Last-Modified, otherwise Date, otherwise the time of receipt (RFC 9111 4.3.2). */
  readonly modifiedAt: number
}

/** The fields that describe content, which a 304 does not carry (RFC 9110 15.4.5). */
const REPRESENTATION_METADATA = [
  'accept-ranges',
  'content-digest',
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-range',
  'content-type',
  'digest',
  'repr-digest',
]

const CONTENT: ReadonlySet<string> = new Set([
  ...REPRESENTATION_METADATA,
  'content-disposition',
  'content-location',
  'etag',
  'last-modified',
])

/** True if the field describes the content of its response. @param name in lower case */
export function describesContent(name: string): boolean {
  return CONTENT.has(name)
}

/** Returns the request's condition, or undefined if it has none. If-None-Match has precedence (RFC 9110 13.2.2). */
export function conditionOf(request: RequestHead, now: number): Condition | undefined {
  if (!isAnswerable(request.method)) return undefined
  const noneMatch = request.headers.get('if-none-match')
  if (noneMatch !== null) {
    if (noneMatch === '*') return { kind: 'none-match', tags: '*' }
    const tags = parseEntityTags(noneMatch) ?? []
    return { kind: 'none-match', tags: tags.map(({ opaque }) => opaque) }
  }
  const at = parseHttpDate(request.headers.get('if-modified-since'), now)
  return at === undefined ? undefined : { kind: 'modified-since', at }
}

export function comparableOf(response: TimedResponse): Comparable {
  return { tag: entityTagOf(response)?.opaque, modifiedAt: lastModifiedOf(response) ?? dateOf(response) }
}

/** True if a 304 answers the request. Call it only for a response with status 200 (RFC 9110 13.2.1). */
export function isNotModified(condition: Condition, { tag, modifiedAt }: Comparable): boolean {
  if (condition.kind === 'modified-since') return modifiedAt <= condition.at
  return condition.tags === '*' || (tag !== undefined && condition.tags.includes(tag))
}

/**
 * True if the client already has this response of the origin, so that a 304 answers it (`notModifiedFields`). The
 * origin never saw the client's condition, because the cache replaced it with its own.
 *
 * A 206 counts too: conditions precede ranges, and without its Range the request would have got a 200 (RFC 9110
 * 13.2.2). Without Last-Modified, If-Modified-Since never matches (13.1.3). The Date of a stored response can stand in
 * for its Last-Modified, but this response was not stored.
 */
export function isHeldByClient(request: RequestHead, response: TimedResponse): boolean {
  if (response.status !== 200 && response.status !== PARTIAL_CONTENT) return false
  const condition = conditionOf(request, response.responseAt)
  if (condition === undefined || !isNotModified(condition, comparableOf(response))) return false
  return condition.kind !== 'modified-since' || response.headers.has('last-modified')
}

/**
 * Returns a copy of the 200's fields for a 304. It omits the fields that describe content, and Last-Modified if there
 * is an ETag.
 */
export function notModifiedFields(headers: Headers): Headers {
  const kept = new Headers(headers)
  for (const name of REPRESENTATION_METADATA) kept.delete(name)
  if (kept.has('etag')) kept.delete('last-modified')
  return kept
}

/**
 * Conditional requests that are answered from the cache (RFC 9111 4.3.2, RFC 9110 13).
 *
 * If-Match and If-Unmodified-Since are the origin's to evaluate, so they are ignored here. The condition and what it is
 * compared with are plain data: a statement can decide by them before it reads a body.
 */
import { dateOf } from './age.ts'
import { parseEntityTags } from './entity-tag.ts'
import { parseHttpDate } from './http-date.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import { isAnswerable } from './methods.ts'
import { entityTagOf, lastModifiedOf } from './validators.ts'

export type Condition =
  /** Entity tags without their quotes and W/; the weak comparison needs no more. */
  | { readonly kind: 'none-match'; readonly tags: readonly string[] | '*' }
  | { readonly kind: 'modified-since'; readonly at: number }

/** What a stored response is compared by; both can be stored beside it. */
export interface Comparable {
  readonly tag: string | undefined
  /** Last-Modified, or where it is absent Date, or when it was received (RFC 9111 4.3.2). */
  readonly modifiedAt: number
}

/** The fields that describe content that a 304 does not carry (RFC 9110 15.4.5); Last-Modified goes if there is an ETag. */
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

/** What the request asks for; undefined where it is unconditional. If-None-Match has precedence (RFC 9110 13.2.2). */
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

/** Whether a 304 answers; only in the place of a 200 (RFC 9110 13.2.1). */
export function isNotModified(condition: Condition, { tag, modifiedAt }: Comparable): boolean {
  if (condition.kind === 'modified-since') return modifiedAt <= condition.at
  return condition.tags === '*' || (tag !== undefined && condition.tags.includes(tag))
}

/** The fields of a 304, as a copy: all that a 200 would have, except those that describe its content. */
export function notModifiedFields(headers: Headers): Headers {
  const kept = new Headers(headers)
  for (const name of REPRESENTATION_METADATA) kept.delete(name)
  if (kept.has('etag')) kept.delete('last-modified')
  return kept
}

/**
 * The validators of a response: its entity tag and its Last-Modified (RFC 9110 8.8).
 *
 * Entity tags are opaque: a backslash or a comma inside the quotes is an ordinary character.
 */
import { parseHttpDate, trimBlanks } from './fields.ts'
import { dateOf } from './freshness.ts'
import type { TimedResponse } from './message.ts'
import { oncePer } from './once-per.ts'
import { isSuccess } from './statuses.ts'

export interface EntityTag {
  readonly weak: boolean
  /** The text between the quotes. */
  readonly opaque: string
}

// An entity tag is not a quoted string: it has no escapes and no spaces, but may have obs-text. `W` must be upper case.
const ONE = '(W/)?"([\\x21\\x23-\\x7e\\x80-\\uffff]*)"'
const SINGLE = new RegExp(`^${ONE}$`)
// Match one run of blanks at a time. Otherwise a long run takes quadratic time.
const MEMBER = new RegExp(`[ \\t]*(?:${ONE}[ \\t]*)?(?:,|$)`, 'y')

/** Returns undefined if the tag is absent or malformed. A response with a malformed tag counts as one without a tag. */
export function parseEntityTag(value: string | null): EntityTag | undefined {
  const [, weak, opaque] = SINGLE.exec(trimBlanks(value ?? '')) ?? []
  return opaque === undefined ? undefined : { weak: weak !== undefined, opaque }
}

/** Parses a list as in If-None-Match. Returns undefined if any member is malformed: the list then matches nothing. */
export function parseEntityTags(value: string): readonly EntityTag[] | undefined {
  const tags: EntityTag[] = []
  MEMBER.lastIndex = 0
  while (MEMBER.lastIndex < value.length) {
    const [found, weak, opaque] = MEMBER.exec(value) ?? []
    if (found === undefined) return undefined
    if (opaque !== undefined) tags.push({ weak: weak !== undefined, opaque })
  }
  return tags
}

/** True if both tags name the same representation, byte for byte, as ranges and updates need (RFC 9110 8.8.3.2). */
export function strongMatch(a: EntityTag | undefined, b: EntityTag | undefined): boolean {
  return a !== undefined && b !== undefined && !a.weak && !b.weak && a.opaque === b.opaque
}

/** True if both tags name equivalent representations, as If-None-Match needs (RFC 9110 8.8.3.2). */
export function weakMatch(a: EntityTag | undefined, b: EntityTag | undefined): boolean {
  return a !== undefined && b !== undefined && a.opaque === b.opaque
}

/**
 * If Date is at least this much later, a Last-Modified in whole seconds identifies one representation (RFC 9110
 * 8.8.2.2).
 */
const STRONG_AFTER_MS = 1_000

export const entityTagOf = oncePer((response: TimedResponse): EntityTag | undefined => {
  return parseEntityTag(response.headers.get('etag'))
})

/** Returns Last-Modified in epoch milliseconds, or undefined if it is absent or malformed. */
export const lastModifiedOf = oncePer((response: TimedResponse): number | undefined => {
  return parseHttpDate(response.headers.get('last-modified'), response.responseAt)
})

/**
 * True if the response can be validated. Only successes can, because a server evaluates conditions only for a success
 * (RFC 9110 13.2.1). If a 404 with an ETag could be validated, and a page with the same ETag appeared, its 304 would
 * revive the 404.
 */
export function hasValidator(response: TimedResponse): boolean {
  if (!isSuccess(response.status)) return false
  return entityTagOf(response) !== undefined || lastModifiedOf(response) !== undefined
}

/**
 * True if the response has a validator that identifies its bytes (RFC 9110 8.8.1). If it has an ETag, Last-Modified
 * does not count, because a weak ETag says that the bytes may differ.
 */
export function hasStrongValidator(response: TimedResponse): boolean {
  if (response.headers.has('etag')) return entityTagOf(response)?.weak === false
  return isStrongLastModified(response)
}

/** True if both responses have the same strong validator, so that their bytes may be combined (RFC 9110 15.3.7.3). */
export function shareStrongValidator(a: TimedResponse, b: TimedResponse): boolean {
  if (a.headers.has('etag') || b.headers.has('etag')) return strongMatch(entityTagOf(a), entityTagOf(b))
  return isStrongLastModified(a) && isStrongLastModified(b) && lastModifiedOf(a) === lastModifiedOf(b)
}

/** True if Last-Modified identifies one representation, byte for byte. */
export function isStrongLastModified(response: TimedResponse): boolean {
  const modifiedAt = lastModifiedOf(response)
  return modifiedAt !== undefined && dateOf(response) - modifiedAt >= STRONG_AFTER_MS
}

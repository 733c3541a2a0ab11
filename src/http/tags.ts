/** The tags that a response names itself: in Cache-Tag, and in Cache-Groups (RFC 9875). */
import { trimBlanks } from './fields.ts'
import { invalidates } from './invalidation.ts'
import type { ResponseHead } from './message.ts'
import { structuredStrings } from './structured-fields.ts'

/**
 * Returns the tag of a group. The tag contains the origin, because groups of different origins are unrelated (RFC 9875
 * 2.1).
 */
export function groupTag(origin: string, group: string): string {
  return `group:${origin} ${group}`
}

/** Returns the tags of a response to store: the members of Cache-Tag unchanged, then the tags of its groups. */
export function responseTags(url: URL, headers: Headers): readonly string[] {
  const groups = structuredStrings(headers.get('cache-groups')).map((group) => groupTag(url.origin, group))
  return [...new Set([...cacheTags(headers.get('cache-tag')), ...groups])]
}

/** Cache-Tag has no quoted strings, so a quote is part of a tag. */
function cacheTags(value: string | null): string[] {
  return (value ?? '')
    .split(',')
    .map(trimBlanks)
    .filter((tag) => tag !== '')
}

/** Returns the tags of the groups that a response to an unsafe request invalidates (RFC 9875 3). */
export function invalidatedTags(method: string, url: URL, response: ResponseHead): readonly string[] {
  if (!invalidates(method, response.status)) return []
  const groups = structuredStrings(response.headers.get('cache-group-invalidation'))
  return [...new Set(groups.map((group) => groupTag(url.origin, group)))]
}

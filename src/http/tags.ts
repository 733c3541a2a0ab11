/** Tags that responses bring along: Cache-Tag, and Cache-Groups (RFC 9875). */
import { listMembers } from './fields.ts'
import { invalidates } from './invalidation.ts'
import type { ResponseHead } from './message.ts'
import { structuredStrings } from './structured-fields.ts'

/**
 * The tag of a group. It holds the origin, because groups of different origins have nothing to do with each other
 * (RFC 9875 2.1).
 */
export function groupTag(origin: string, group: string): string {
  return `group:${origin} ${group}`
}

/** The tags of a response that is to be stored: those of Cache-Tag (separated by commas) as they are, then its groups. */
export function responseTags(url: URL, headers: Headers): readonly string[] {
  const groups = structuredStrings(headers.get('cache-groups')).map((group) => groupTag(url.origin, group))
  return [...new Set([...listMembers(headers.get('cache-tag')), ...groups])]
}

/** The tags that a response invalidates: those of the groups that it names, if its request was unsafe (RFC 9875 3). */
export function invalidatedTags(method: string, url: URL, response: ResponseHead): readonly string[] {
  if (!invalidates(method, response.status)) return []
  const groups = structuredStrings(response.headers.get('cache-group-invalidation'))
  return [...new Set(groups.map((group) => groupTag(url.origin, group)))]
}

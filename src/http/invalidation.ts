/** Invalidation after a successful unsafe request (RFC 9111 4.4). */

import type { ResponseHead } from './message.ts'
import { isSafe } from './requests.ts'
import { isNonError } from './statuses.ts'

/** True if a response with this status to this method invalidates stored responses. Unknown methods count as unsafe. */
export function invalidates(method: string, status: number): boolean {
  return !isSafe(method) && isNonError(status)
}

/**
 * Returns the URLs to invalidate, without fragments: the target, and the URLs in Location and Content-Location. URLs of
 * another origin are ignored, because one origin must not remove another origin's responses.
 */
export function invalidatedUrls(method: string, url: URL, response: ResponseHead): readonly URL[] {
  if (!invalidates(method, response.status)) return []
  const urls = new Map([[withoutFragment(url).href, withoutFragment(url)]])
  for (const name of ['location', 'content-location']) {
    const named = resolveReference(response.headers.get(name), url)
    if (named && named.origin === url.origin) urls.set(withoutFragment(named).href, withoutFragment(named))
  }
  return [...urls.values()]
}

/** Returns undefined if the reference is absent or malformed. */
export function resolveReference(reference: string | null, base: URL): URL | undefined {
  try {
    return reference === null ? undefined : new URL(reference, base)
  } catch {
    return undefined
  }
}

export function withoutFragment(url: URL): URL {
  const copy = new URL(url)
  copy.hash = ''
  return copy
}

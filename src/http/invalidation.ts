/** What a successful unsafe request makes invalid (RFC 9111 4.4). */

import type { ResponseHead } from './message.ts'
import { isSafe } from './methods.ts'
import { isNonError } from './statuses.ts'

/** Whether a response to this method invalidates. Methods that are not known to be safe are unsafe. */
export function invalidates(method: string, status: number): boolean {
  return !isSafe(method) && isNonError(status)
}

/**
 * The URLs to invalidate, without fragments: the target, and what Location and Content-Location name of the same origin,
 * for another origin's responses are not this one's to remove.
 */
export function invalidatedUrls(method: string, url: URL, response: ResponseHead): readonly URL[] {
  if (!invalidates(method, response.status)) return []
  const urls = new Map([[withoutFragment(url).href, withoutFragment(url)]])
  for (const name of ['location', 'content-location']) {
    const named = resolved(response.headers.get(name), url)
    if (named && named.origin === url.origin) urls.set(withoutFragment(named).href, withoutFragment(named))
  }
  return [...urls.values()]
}

function resolved(reference: string | null, base: URL): URL | undefined {
  try {
    return reference === null ? undefined : new URL(reference, base)
  } catch {
    return undefined
  }
}

function withoutFragment(url: URL): URL {
  const copy = new URL(url)
  copy.hash = ''
  return copy
}

/** Options of `fetch` for frameworks that wrap it. */
import { isInNext } from '../../values/next.ts'

/** The options that differ from a usual request. */
export interface FetchOptions {
  readonly cache?: 'no-store'
  /** Next's own option. Undefined overrides the value with which the client was created. */
  readonly next?: { readonly internal: true } | undefined
}

const NONE: FetchOptions = {}
/**
 * During a build, Next answers equal requests, POST included, from its own cache, so a `get` would not see an earlier
 * `set`. With these options Next treats our requests as uncached data. The page then waits for a request, unless it has
 * its own caching (`use cache`, `unstable_cache`, `dynamic = 'force-static'`).
 */
const UNCACHED: FetchOptions = { cache: 'no-store', next: undefined }

/**
 * Next passes on a request with this option unchanged. Its own caches need that, because a page that uses them must not
 * depend on a request.
 */
const INTERNAL: FetchOptions = { next: { internal: true } }

/**
 * Returns options only in Next, because workerd throws on `cache` before its compatibility date 2024-11-11.
 *
 * @param isInternal true for requests of a cache that Next itself calls
 */
export function fetchOptions(isInternal: boolean): FetchOptions {
  if (!isInNext()) return NONE
  return isInternal ? INTERNAL : UNCACHED
}

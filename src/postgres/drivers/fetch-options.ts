/** Options of `fetch` for frameworks that wrap it. */
import { isInNext } from '../../values/next.ts'

/** Only the options that differ from those of every request. */
export interface FetchOptions {
  readonly cache?: 'no-store'
  /** Next's own option. Undefined resets what the client was created with. */
  readonly next?: { readonly internal: true } | undefined
}

const NONE: FetchOptions = {}
/**
 * During a build, Next answers equal requests, POST included, from its own cache, so a `get` would not see the `set` before
 * it. With these options Next treats them like other uncached data: the page waits for a request, unless it caches by
 * itself (`use cache`, `unstable_cache`, `dynamic = 'force-static'`).
 */
const UNCACHED: FetchOptions = { cache: 'no-store', next: undefined }

/** Next passes such a request on as it is. Its own caches need that: the page that asks them must not depend on a request. */
const INTERNAL: FetchOptions = { next: { internal: true } }

/**
 * For Next only, because workerd throws on `cache` before its compatibility date 2024-11-11.
 *
 * @param isInternal true for requests of a cache that Next itself asks
 */
export function fetchOptions(isInternal: boolean): FetchOptions {
  if (!isInNext()) return NONE
  return isInternal ? INTERNAL : UNCACHED
}

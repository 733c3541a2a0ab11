/** Options of `fetch` for frameworks that wrap it. */
import { isInNext } from '../../values/next.ts'

/** Only the options that differ from those of every request. */
export interface FetchOptions {
  readonly cache?: 'no-store'
  /** Next's own option. Undefined resets what the client was created with. */
  readonly next?: undefined
}

const NONE: FetchOptions = {}
/**
 * During a build, Next answers equal requests, POST included, from its own cache, so a `get` would not see the `set` before
 * it. With these options Next treats them like other uncached data: the page waits for a request, unless it caches by
 * itself (`use cache`, `unstable_cache`, `dynamic = 'force-static'`).
 */
const UNCACHED: FetchOptions = { cache: 'no-store', next: undefined }

/** For Next only, because workerd throws on `cache` before its compatibility date 2024-11-11. */
export function fetchOptions(): FetchOptions {
  return isInNext() ? UNCACHED : NONE
}

/** Options of `fetch` for each request over HTTP, whichever framework has wrapped it. */

/** As far as they differ from those of every request. */
export interface FetchOptions {
  readonly cache?: 'no-store'
  /** Next's own; undefined undoes what the client was created with. */
  readonly next?: undefined
}

const NONE: FetchOptions = {}
/**
 * While it builds, Next answers equal requests from its own cache, POST too: a `get` would not see the `set` before it. With
 * this it treats them as it treats other uncached data: the page waits for a request, unless it caches by itself
 * (`use cache`, `unstable_cache`, `dynamic = 'force-static'`).
 */
const UNCACHED: FetchOptions = { cache: 'no-store', next: undefined }

/** Where Next notes that it has wrapped `fetch`: others may have wrapped it again. */
const NEXT_PATCH = Symbol.for('next-patch')

/** Only for Next: workerd throws on `cache` before its compatibility date 2024-11-11. */
export function fetchOptions(): FetchOptions {
  return Reflect.get(globalThis, NEXT_PATCH) === true ? UNCACHED : NONE
}

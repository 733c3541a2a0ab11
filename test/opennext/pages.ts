/** Values as Next passes them to its cache handlers. */

/** A rendered page of the app router. Its tags are in a header. */
export function page(text: string, tags: readonly string[], headers: object = {}) {
  return {
    kind: 'APP_PAGE',
    html: `<p>${text}</p>`,
    rscData: Buffer.from(`rsc of ${text}`),
    headers: { 'x-next-cache-tags': tags.join(','), ...headers },
    status: 200,
    segmentData: new Map([['/_tree', Buffer.from(`tree of ${text}`)]]),
  }
}

/** How long a page is fresh, as Next passes it with the page. */
export const FRESH_FOR_AN_HOUR = { cacheControl: { revalidate: 3600, expire: 86_400 } }

/** An answer of `fetch`. */
export function fetched(text: string) {
  return {
    kind: 'FETCH',
    data: { headers: {}, body: text, url: 'https://api.example/', status: 200 },
    revalidate: 3600,
  }
}

/** The second argument of a read of `fetch`'s cache. */
export function fetchContext(tags: readonly string[], softTags: readonly string[] = []) {
  return { kind: 'FETCH', tags, softTags }
}

/** A value of `'use cache'`. */
export function useCacheEntry(value: string, tags: readonly string[], rest: object = {}) {
  return { value, tags, stale: 300, timestamp: Date.now(), expire: 3600, revalidate: 900, ...rest }
}

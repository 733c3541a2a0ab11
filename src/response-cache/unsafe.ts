/** Handles unsafe requests: runs the handler, then invalidates the stored responses of their URLs (RFC 9111 4.4). */
import { type CacheStatus, invalidatedTags, invalidatedUrls } from '../http/index.ts'
import { responseStoreOf } from '../postgres/responses/response-store.ts'
import type { ResponseStore } from '../postgres/responses/store.ts'
import { now } from '../values/clock.ts'
import { noCost } from '../values/events.ts'
import { annotate } from './client-response.ts'
import { emitFailure, failureReason } from './exchange.ts'
import type { HandlerCall } from './handler-call.ts'
import type { ResponseCacheSettings } from './options.ts'
import { keyOfUrl } from './request-key.ts'

/**
 * Runs the handler of an unsafe request, then removes the stored responses of its URLs and tags.
 *
 * @param isIncluded false if the options exclude the path. Nothing is stored under its URL, but the response may name
 *   other URLs and tags.
 */
export async function forwardUnsafe(
  call: HandlerCall,
  settings: ResponseCacheSettings,
  { isIncluded }: { isIncluded: boolean },
): Promise<Response> {
  const { response, error } = await call.pass()
  const failures = error === undefined ? await invalidate(call, settings, response, { isIncluded }) : []
  return isIncluded ? annotate({ settings }, response, statusOf(failures)) : response
}

/** Returns the Cache-Status of an unsafe request. */
export function statusOf(failures: readonly unknown[]): CacheStatus {
  return failures.length > 0 ? { fwd: 'method', detail: failureReason(failures[0]) } : { fwd: 'method' }
}

/**
 * Removes the stored responses of the URLs and tags that the request invalidates. Returns the failures instead of
 * throwing, so that the client gets the response anyway.
 *
 * @param exceptToken the token of the lease that this request holds
 */
export async function invalidate(
  call: HandlerCall,
  settings: ResponseCacheSettings,
  response: Response,
  { isIncluded, exceptToken }: { isIncluded: boolean; exceptToken?: string },
): Promise<unknown[]> {
  const { method } = call.request
  const url = new URL(call.request.url)
  const named = invalidatedUrls(method, url, response)
  // The first URL is the request's own.
  const urls = isIncluded ? named : named.slice(1)
  const tags = invalidatedTags(method, url, response)
  const failures: unknown[] = []
  // The `key` option may store this URL's GET under another URL. If the option throws, purge at least this URL.
  const own = isIncluded && urls.length > 0 ? await catchInto(failures, () => settings.keyUrlOf(call)) : undefined
  await catchInto(failures, async () => {
    const cache = settings.cacheOf(call.context)
    const all = own === undefined ? urls : [...urls, own]
    const purged = purgeUrls(responseStoreOf(cache), all, { query: settings.query, exceptToken })
    await Promise.all([purged, tags.length > 0 ? cache.invalidate(tags) : undefined])
  })
  return failures
}

async function purgeUrls(
  store: ResponseStore,
  urls: readonly URL[],
  { query, exceptToken }: Pick<ResponseCacheSettings, 'query'> & { readonly exceptToken: string | undefined },
): Promise<void> {
  if (urls.length === 0) return
  const startedAt = now()
  try {
    const bases = new Set(urls.map((url) => store.keyOf(keyOfUrl(url, { query }))))
    await store.purge({ bases: [...bases], soft: false, exceptToken })
  } catch (error) {
    // Tell listeners about the failure, because the cache may now serve responses from before the write.
    emitFailure({ store, startedAt, cost: noCost() }, error)
    throw error
  }
}

/** Returns the result of the work. If it throws, adds the error to `failures` and returns undefined. */
export async function catchInto<T>(failures: unknown[], work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    failures.push(error)
    return undefined
  }
}

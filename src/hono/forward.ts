/** Requests that the handler answers and whose responses are not stored. */
import type { Context, Next } from 'hono'
import { type CacheStatus, type ForwardReason, freshenByHead, invalidatedTags, invalidatedUrls } from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { responseStoreOf } from '../response-cache/response-store.ts'
import { now } from '../values/clock.ts'
import { noCost } from '../values/events.ts'
import {
  type Exchange,
  emitEvent,
  emitFailure,
  failureReason,
  keyOfUrl,
  replaceResponse,
  runInBackground,
  storeNow,
  withCacheStatus,
  withRouteIndex,
} from './exchange.ts'
import { runWithoutFrontCookies } from './front-fields.ts'
import type { ResponseCacheSettings } from './options.ts'
import { type StoredEntry, timedOf } from './serve.ts'
import { staleIfError } from './stale-if-error.ts'

/** Runs the handler and stores nothing. */
export async function forward(
  x: Exchange,
  next: Next,
  status: CacheStatus & { fwd: ForwardReason },
  answer?: ResponseAnswer,
): Promise<undefined> {
  const requestAt = storeNow(x)
  await runWithoutFrontCookies(x.c, x.front, next)
  const entry = answer?.entry
  if (x.head.method === 'HEAD' && entry !== undefined) await invalidateOnMismatch(x, entry, requestAt)
  const stale = await staleIfError(x, answer, status.fwd)
  emitEvent(x, stale === undefined ? 'miss' : 'stale')
  replaceResponse(x.c, stale ?? withCacheStatus(x, x.c.res, status))
}

/** Makes the stored response stale if the handler's response to a HEAD contradicts it (RFC 9111 4.3.5). */
async function invalidateOnMismatch(x: Exchange, entry: StoredEntry, requestAt: number): Promise<void> {
  const { status, headers } = x.c.res
  const timed = { status, headers, requestAt, responseAt: storeNow(x) }
  if (freshenByHead(x.head, timedOf(entry.meta), entry.meta.bytes, timed, x.settings.policy) !== 'stale') return
  const work = x.store.purge({ bases: [x.base], soft: true }).catch((error: unknown) => emitFailure(x, error))
  await runInBackground(
    x,
    work.then(() => {}),
  )
}

/** Runs the handler without looking at the cache. */
export async function bypass(
  c: Context,
  next: Next,
  settings: ResponseCacheSettings,
  status: CacheStatus,
): Promise<void> {
  await next()
  replaceResponse(c, withCacheStatus({ settings } as Exchange, c.res, status))
}

/**
 * Runs the handler of an unsafe request, then removes the stored responses of its URLs and tags (RFC 9111 4.4).
 *
 * @param isIncluded false if the options exclude the path. Nothing is stored under it, but its response may name other URLs
 *   and tags.
 */
export async function forwardUnsafe(
  c: Context,
  next: Next,
  settings: ResponseCacheSettings,
  { isIncluded }: { isIncluded: boolean },
): Promise<void> {
  const { routeIndex } = c.req
  await next()
  const url = new URL(c.req.url)
  const named = c.error === undefined ? invalidatedUrls(c.req.method, url, c.res) : []
  // The first is the URL of the request itself.
  const urls = isIncluded ? named : named.slice(1)
  const tags = c.error === undefined ? invalidatedTags(c.req.method, url, c.res) : []
  const failures: unknown[] = []
  // The `key` option may store this URL's GET under another URL. If that function fails, purge at least this URL.
  const own =
    isIncluded && urls.length > 0
      ? await catchInto(failures, () => withRouteIndex(c, routeIndex, () => settings.keyUrlOf(c)))
      : undefined
  await catchInto(failures, async () => {
    const cache = settings.cacheOf(c)
    const purged = purgeUrls(responseStoreOf(cache), own === undefined ? urls : [...urls, own], settings)
    await Promise.all([purged, tags.length > 0 ? cache.invalidate(tags) : undefined])
  })
  if (!isIncluded) return
  const status: CacheStatus =
    failures.length > 0 ? { fwd: 'method', detail: failureReason(failures[0]) } : { fwd: 'method' }
  replaceResponse(c, withCacheStatus({ settings } as Exchange, c.res, status))
}

async function purgeUrls(
  store: Exchange['store'],
  urls: readonly URL[],
  settings: ResponseCacheSettings,
): Promise<void> {
  if (urls.length === 0) return
  const startedAt = now()
  try {
    const bases = new Set(urls.map((url) => store.keyOf(keyOfUrl(url, settings))))
    await store.purge({ bases: [...bases], soft: false })
  } catch (error) {
    // Emit the failure: from now on the cache may serve responses from before the write, so listeners must know.
    emitFailure({ store, startedAt, cost: noCost() }, error)
    throw error
  }
}

/** Returns the result of the work, or undefined if it throws: then its error is added to `failures`. */
async function catchInto<T>(failures: unknown[], work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    failures.push(error)
    return undefined
  }
}

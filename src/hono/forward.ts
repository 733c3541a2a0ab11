/** Requests that the handler answers without anything being stored. */
import type { Context, Next } from 'hono'
import { type CacheStatus, type ForwardReason, freshenByHead, invalidatedTags, invalidatedUrls } from '../http/index.ts'
import type { ResponseAnswer } from '../postgres/responses/store.ts'
import { now } from '../values/clock.ts'
import { noCost } from '../values/events.ts'
import {
  type Exchange,
  handOver,
  reasonOf,
  replaceResponse,
  storeNow,
  tell,
  tellFailure,
  urlKey,
  withStatus,
} from './exchange.ts'
import type { Plan } from './options.ts'
import { responseStoreOf } from './response-store.ts'
import { savedDay } from './saved-day.ts'
import { type Entry, timedOf } from './serve.ts'

/** The handler answers this request, and nothing is stored. */
export async function forwarded(
  x: Exchange,
  next: Next,
  status: CacheStatus & { fwd: ForwardReason },
  answer?: ResponseAnswer,
): Promise<undefined> {
  const requestAt = storeNow(x)
  await next()
  const entry = answer?.entry
  if (x.head.method === 'HEAD' && entry !== undefined) await compared(x, entry, requestAt)
  const saved = await savedDay(x, answer, status.fwd)
  tell(x, saved === undefined ? 'miss' : 'stale')
  replaceResponse(x.c, saved ?? withStatus(x, x.c.res, status))
}

/** What is stored is stale where a HEAD that the handler answered contradicts it (RFC 9111 4.3.5). */
async function compared(x: Exchange, entry: Entry, requestAt: number): Promise<void> {
  const { status, headers } = x.c.res
  const timed = { status, headers, requestAt, responseAt: storeNow(x) }
  if (freshenByHead(x.head, timedOf(entry.meta), entry.meta.bytes, timed, x.plan.policy) !== 'stale') return
  const work = x.store.purge({ bases: [x.base], soft: true }).catch((error: unknown) => tellFailure(x, error))
  await handOver(
    x,
    work.then(() => {}),
  )
}

/** A request that the cache has nothing to do with. */
export async function passedBy(c: Context, next: Next, plan: Plan, status: CacheStatus): Promise<void> {
  await next()
  replaceResponse(c, withStatus({ plan } as Exchange, c.res, status))
}

/** An unsafe request, after which what is stored of its URLs must not be used (RFC 9111 4.4). */
export async function changed(c: Context, next: Next, plan: Plan): Promise<void> {
  await next()
  const url = new URL(c.req.url)
  const urls = c.error === undefined ? invalidatedUrls(c.req.method, url, c.res) : []
  const tags = c.error === undefined ? invalidatedTags(c.req.method, url, c.res) : []
  const failures: unknown[] = []
  // Its GET is kept under another URL where an option says so; where that cannot be told, its own is purged all the same.
  const own = urls.length > 0 ? await attempt(() => plan.keyOf(c)?.url, failures) : undefined
  await attempt(async () => {
    const cache = plan.cacheOf(c)
    const purged = purgedUrls(responseStoreOf(cache), own === undefined ? urls : [...urls, own], plan)
    await Promise.all([purged, tags.length > 0 ? cache.invalidate(tags) : undefined])
  }, failures)
  const status: CacheStatus = failures.length > 0 ? { fwd: 'method', detail: reasonOf(failures[0]) } : { fwd: 'method' }
  replaceResponse(c, withStatus({ plan } as Exchange, c.res, status))
}

async function purgedUrls(store: Exchange['store'], urls: readonly URL[], plan: Plan): Promise<void> {
  if (urls.length === 0) return
  const startedAt = now()
  try {
    const bases = new Set(urls.map((url) => store.keyOf(urlKey(url, plan))))
    await store.purge({ bases: [...bases], soft: false })
  } catch (error) {
    // What is stale from now on, whoever listens has to know.
    tellFailure({ store, startedAt, cost: noCost() }, error)
    throw error
  }
}

async function attempt<T>(work: () => T | Promise<T>, failures: unknown[]): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    failures.push(error)
    return undefined
  }
}

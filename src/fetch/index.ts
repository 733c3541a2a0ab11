/** `pgstash/fetch`: a stub that the real implementation replaces. It runs a Hono application with `responseCache` inside. */
import { type Context, Hono } from 'hono'
import type { Cache } from '../cache.ts'
import { type ResponseCacheOptions as HonoOptions, responseCache } from '../hono/index.ts'

type Handler<Rest extends unknown[]> = (request: Request, ...rest: Rest) => Response | Promise<Response>

type Replaced = 'cache' | 'key' | 'authenticated' | 'tags' | 'refresh'

export interface ResponseCacheOptions<Rest extends unknown[] = unknown[]> extends Omit<HonoOptions, Replaced> {
  cache: Cache | ((request: Request, ...rest: Rest) => Cache)
  key?: ((request: Request, ...rest: Rest) => string | URL | undefined) | undefined
  authenticated?: 'rfc' | 'never' | ((request: Request, ...rest: Rest) => string | undefined) | undefined
  tags?: ((response: Response, request: Request, ...rest: Rest) => Iterable<string>) | undefined
}

interface Call<Rest> {
  readonly rest: Rest
  readonly isRefresh?: boolean
  error?: unknown
}

export function withResponseCache<Rest extends unknown[]>(
  handler: Handler<Rest>,
  options: ResponseCacheOptions<Rest>,
): (request: Request, ...rest: Rest) => Promise<Response> {
  const { cache, key, authenticated, tags, ...others } = options
  const restOf = (c: Context) => (c.env as Call<Rest>).rest
  const app = new Hono()
  app.onError((error, c) => {
    ;(c.env as Call<Rest>).error = error
    return new Response(null, { status: 500 })
  })
  app.use(
    responseCache({
      ...others,
      cache: typeof cache === 'function' ? (c) => cache(c.req.raw, ...restOf(c)) : cache,
      ...(key && { key: (c: Context) => key(c.req.raw, ...restOf(c)) }),
      ...(tags && { tags: (c: Context, response: Response) => tags(response, c.req.raw, ...restOf(c)) }),
      ...(authenticated && {
        authenticated:
          typeof authenticated === 'function' ? (c: Context) => authenticated(c.req.raw, ...restOf(c)) : authenticated,
      }),
      refresh: (request, c) => app.fetch(request, { rest: restOf(c), isRefresh: true }, contextOf(restOf(c))),
    }),
  )
  app.all('*', (c) => {
    const { rest, isRefresh } = c.env as Call<Rest>
    // Deno aborts the signal of a request once it is answered.
    const signal = isRefresh ? new AbortController().signal : undefined
    return handler(signal ? new Request(c.req.raw, { signal }) : c.req.raw, ...rest)
  })
  return async (request, ...rest) => {
    const call: Call<Rest> = { rest }
    // `new Request(request)` fails for the requests of srvx, which Nitro runs on: they only look like one.
    const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
    const response = await app.fetch(hasBody ? request : new Request(request.url, request), call, contextOf(rest))
    if (call.error !== undefined && response.status === 500) throw call.error
    return response
  }
}

// biome-ignore lint/suspicious/noExplicitAny: Hono's own type of an execution context.
function contextOf(rest: readonly unknown[]): any {
  const [, context] = rest as [unknown, { waitUntil?: (work: Promise<unknown>) => void } | undefined]
  if (typeof context?.waitUntil !== 'function') return undefined
  return { waitUntil: (work: Promise<unknown>) => context.waitUntil?.(work), passThroughOnException() {}, props: {} }
}

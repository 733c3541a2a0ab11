/** `responseCache`: the response cache as Hono middleware. */
import type { Context, MiddlewareHandler, Next } from 'hono'
import { isAnswerable } from '../http/index.ts'
import type { HandlerCall, HandlerResponse, WaitUntil } from '../response-cache/handler-call.ts'
import { type ResponseCacheOptions as CoreOptions, parseOptions } from '../response-cache/options.ts'
import { createResponseCache } from '../response-cache/response-cache.ts'
import { optionalFunction } from '../values/options.ts'
import { type DeprecatedOptions, renameOptions } from './deprecated.ts'
import { waitUntilOf } from './wait-until.ts'

export type { PathPattern } from '../response-cache/paths.ts'

/** Options of {@link responseCache}. Its functions get the context of the request. */
export interface ResponseCacheOptions extends CoreOptions<Context>, DeprecatedOptions {
  /**
   * Sends a request through the application again, to refresh a stale response after it was served: `(request, c) =>
   * app.fetch(request, c.env, c.executionCtx)`. Default: none. The request that won the refresh then waits for it.
   */
  refresh?: ((request: Request, c: Context) => Response | Promise<Response>) | undefined
  /** Keeps work alive after the response. Default: the request's `executionCtx.waitUntil`, if there is one. */
  waitUntil?: WaitUntil | undefined
}

/**
 * Caches the responses of the handlers behind it, as RFC 9111 allows a shared cache to.
 *
 * A hit, including a 304, costs one round trip to the database. A miss costs two. The second one runs after the
 * response is on its way. The cache is safe by default. It shares no response with Set-Cookie, `private` or `no-store`,
 * and no response to a request with Authorization, unless the response or an option allows it.
 *
 * @throws InvalidOptionError, InvalidExpirationError when the middleware is created
 * @example
 * const app = new Hono()
 * app.use(responseCache({ cache, stale: '1h' }))
 * app.get('/report', async (c) => c.json(await report(), 200, { 'cache-control': 'max-age=60' }))
 */
export function responseCache(options: ResponseCacheOptions): MiddlewareHandler {
  const renamed = renameOptions(options)
  const settings = parseOptions(withRoute(renamed), ['refresh', 'waitUntil'])
  const { refresh, waitUntil } = renamed
  for (const [name, value] of Object.entries({ refresh, waitUntil })) optionalFunction(name, value)
  const respond = createResponseCache(settings)

  return async function responseCache(c, next) {
    // If middleware in front has already answered, Hono ignores the handler's response, so there is nothing to cache.
    if (c.finalized && isAnswerable(c.req.method)) return next()
    const response = await respond(callOf(c, next, { refresh, waitUntil }))
    // Do not return the response. Hono would overwrite its fields with the fields that middleware in front set on
    // `c.res`.
    if (response !== c.res) replaceResponse(c, response)
  }
}

/**
 * The argument of the options' functions in the core. It has the route index, because `c.req.param` depends on the
 * route.
 */
interface Scope {
  readonly c: Context
  readonly routeIndex: number
}

function callOf(c: Context, next: Next, options: Pick<ResponseCacheOptions, 'refresh' | 'waitUntil'>): HandlerCall {
  const { refresh } = options
  let front: Headers | undefined
  const frontFields = () => (front ??= frontFieldsOf(c))
  return {
    request: c.req.raw,
    path: c.req.path,
    context: { c, routeIndex: c.req.routeIndex } satisfies Scope,
    identity: c,
    frontFields,
    async run(request) {
      const { raw } = c.req
      c.req.raw = request
      try {
        await runWithoutFrontCookies(c, frontFields(), next)
      } catch (error) {
        // Hono rethrows values that are not an Error.
        return { error, hasFailed: true }
      } finally {
        c.req.raw = raw
      }
      return resultOf(c)
    },
    async pass() {
      await next()
      return resultOf(c)
    },
    isAnswered: c.finalized,
    // A getter, because most requests have no background work.
    get waitUntil() {
      return waitUntilOf(c, options.waitUntil)
    },
    refresh: refresh && { kind: 'resend', send: async (request) => refresh(request, c) },
  }
}

function resultOf({ res, error }: Context): HandlerResponse {
  return error === undefined ? { response: res } : { response: res, error }
}

/**
 * Adapts the options' functions to the core's argument. They see this middleware's route, even after the handler ran.
 */
function withRoute(options: ResponseCacheOptions): CoreOptions<Scope> {
  if (typeof options !== 'object' || options === null) return options
  const { cache, key, authenticated, tags } = options
  const routed = <T>({ c, routeIndex }: Scope, call: (c: Context) => T) => withRouteIndex(c, routeIndex, () => call(c))
  return {
    ...options,
    cache: typeof cache === 'function' ? (scope) => routed(scope, cache) : cache,
    ...(typeof key === 'function' ? { key: (scope: Scope) => routed(scope, key) } : {}),
    ...(typeof authenticated === 'function' ? { authenticated: (scope: Scope) => routed(scope, authenticated) } : {}),
    ...(typeof tags === 'function' ? { tags: ({ c }: Scope, response: Response) => tags(c, response) } : {}),
  } as CoreOptions<Scope>
}

function withRouteIndex<T>(c: Context, routeIndex: number, call: () => T): T {
  const current = c.req.routeIndex
  c.req.routeIndex = routeIndex
  try {
    return call()
  } finally {
    c.req.routeIndex = current
  }
}

/**
 * Sets the context's response. Resets `c.res` first, because Hono would merge the old response's fields into the new
 * one.
 */
function replaceResponse(c: Context, response: Response): void {
  c.res = undefined
  c.res = response
}

/** Returns a copy of the fields that the context has before the handler runs. */
function frontFieldsOf(c: Context): Headers {
  // A new response has all of them, set by `c.header` or on `c.res`. Do not read `c.res`, which would change how Hono
  // merges.
  return new Headers(c.newResponse(null, 200).headers)
}

/**
 * Runs the handler without the cookies that middleware in front set. If `c.res` has cookies, Hono drops the cookies of
 * the response that replaces it. A response that sets a cookie would then look storable.
 */
async function runWithoutFrontCookies(c: Context, front: Headers, next: Next): Promise<void> {
  const cookies = front.getSetCookie()
  if (cookies.length > 0) c.header('set-cookie', undefined)
  try {
    await next()
  } catch (error) {
    for (const cookie of cookies) c.header('set-cookie', cookie, { append: true })
    throw error
  }
}

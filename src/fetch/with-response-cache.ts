/** `withResponseCache`: adds the response cache to any `(request) => Response` handler. */
import type { Cache } from '../cache.ts'
import type { HandlerCall, HandlerResult, WaitUntil } from '../response-cache/handler-call.ts'
import { type ResponseCacheOptions as CoreOptions, parseOptions } from '../response-cache/options.ts'
import { decodedPath } from '../response-cache/paths.ts'
import { createResponseCache } from '../response-cache/response-cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionalFunction } from '../values/options.ts'
import { waitUntilIn } from './wait-until.ts'

/** @typeParam A the arguments of the handler, which the functions in the options get too */
export interface ResponseCacheOptions<A extends readonly unknown[] = [request: Request]>
  extends Omit<CoreOptions<A>, 'cache' | 'key' | 'authenticated' | 'tags'> {
  /** The cache that stores the responses: one from `createCache`, or a function that returns it for a request. */
  cache: Cache | ((...args: A) => Cache)
  /**
   * Returns a text that separates responses: requests with different texts never share a response. The text is stored
   * as a hash. May instead return a URL that replaces the request's URL, so that equivalent requests share a response.
   * Purges use that URL.
   */
  key?: ((...args: A) => string | URL | undefined) | undefined
  /**
   * How to cache responses to requests with Authorization. `'rfc'`, the default, shares them if RFC 9111 3.5 allows it.
   * `'never'` caches none. A function that returns the user's name caches them per user.
   *
   * The function is called for every request, so it may read a cookie. undefined or null means an anonymous request.
   * Anonymous requests share responses, but with Authorization they are not cached.
   */
  authenticated?: 'rfc' | 'never' | ((...args: A) => string | number | null | undefined) | undefined
  /**
   * Returns a response's tags, in addition to those of its Cache-Tag and Cache-Groups fields. It gets the response
   * before the arguments of the handler.
   */
  tags?: ((response: Response, ...args: A) => Iterable<string>) | undefined
  /**
   * Keeps work alive after the response. Default: the `waitUntil` of the first argument of the handler that has one, as
   * on Cloudflare. On Vercel, pass `waitUntil` of `@vercel/functions`.
   *
   * With it, a stale response is refreshed after it was served. Without it, or with false, the request that won the
   * refresh waits for it. Use false if the handler cannot run after the response, because both share state, such as the
   * `next` of h3's middleware.
   */
  waitUntil?: ((work: Promise<unknown>, ...args: A) => void) | false | undefined
}

/**
 * Caches the responses of a handler, as RFC 9111 allows a shared cache to.
 *
 * Returns a function to use in place of the handler. Call `withResponseCache` once, not per request.
 *
 * The handler must use the request that it gets. The cache answers the client's conditions and ranges itself, and sends
 * its own conditions to the handler. To refresh a stale response, the handler may run again after the response, with
 * the same further arguments.
 *
 * A hit, including a 304, costs one round trip to the database. A miss costs two. The second one runs after the
 * response is on its way. The cache is safe by default. It shares no response with Set-Cookie, `private` or `no-store`,
 * and no response to a request with Authorization, unless the response or an option allows it.
 *
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * const handle = async (request: Request) => Response.json(await report(request))
 * export default { fetch: withResponseCache(handle, { cache, expiration: '1m' }) }
 */
export function withResponseCache<A extends readonly [request: Request, ...rest: unknown[]]>(
  handler: (...args: A) => Response | Promise<Response>,
  options: ResponseCacheOptions<A>,
): (...args: A) => Promise<Response> {
  if (typeof handler !== 'function') {
    throw new InvalidOptionError(`Expected a request handler function, got ${describeType(handler)}.`)
  }
  const settings = parseOptions(withArguments(options), ['waitUntil'])
  const { waitUntil } = options
  if (waitUntil !== false) optionalFunction('waitUntil', waitUntil)
  const respond = createResponseCache(settings)
  const cached = async (...args: A) => respond(callOf(handler, args, waitUntil))
  // `Deno.serve` passes no request to a function without parameters.
  return Object.defineProperty(cached, 'length', { value: Math.max(1, handler.length) })
}

/** No middleware in front can set fields, because the server calls only the handler. */
const NO_FIELDS = new Headers()
/** The status from which a thrown Response is a failure. */
const SERVER_ERRORS = 500

function callOf<A extends readonly [request: Request, ...rest: unknown[]]>(
  handler: (...args: A) => Response | Promise<Response>,
  args: A,
  waitUntil: ResponseCacheOptions<A>['waitUntil'],
): HandlerCall {
  const [request, ...rest] = args
  if (typeof request?.url !== 'string' || typeof request.headers?.get !== 'function') {
    throw new InvalidOptionError(
      `Expected a Request as the first argument, got ${describeType(request)}. In Hono, use pgstash/hono instead.`,
    )
  }
  const run = (given: Request) =>
    settle(async () => checkResponse(await handler(...([given, ...rest] as unknown as A))))
  return {
    request,
    path: decodedPath(request.url),
    context: args,
    identity: request,
    frontFields: () => NO_FIELDS,
    run,
    pass: async () => ({ response: checkResponse(await handler(...args)) }),
    waitUntil: waitUntilOf(waitUntil, args),
    refresh: { kind: 'run', run },
  }
}

function waitUntilOf<A extends readonly unknown[]>(
  given: ((work: Promise<unknown>, ...args: A) => void) | false | undefined,
  args: A,
): WaitUntil | undefined {
  if (given === false) return undefined
  return given === undefined ? waitUntilIn(args) : (work) => given(work, ...args)
}

/**
 * A thrown Response is the handler's answer, because routers throw redirects and 404. Any other thrown value is a
 * failure.
 */
async function settle(work: () => Promise<Response>): Promise<HandlerResult> {
  try {
    return { response: await work() }
  } catch (error) {
    return { error, hasFailed: !(error instanceof Response) || error.status >= SERVER_ERRORS }
  }
}

function checkResponse(response: Response): Response {
  // Do not use `instanceof`, because frameworks and test tools have their own classes.
  if (typeof response?.headers?.get === 'function' && typeof response.status === 'number') return response
  throw new InvalidOptionError(`Expected the handler to return a Response, got ${describeType(response)}.`)
}

/** Makes the functions in the options take the handler's arguments. */
function withArguments<A extends readonly unknown[]>(options: ResponseCacheOptions<A>): CoreOptions<A> {
  if (typeof options !== 'object' || options === null) return options
  const { cache, key, authenticated, tags } = options
  return {
    ...options,
    cache: typeof cache === 'function' ? (args: A) => cache(...args) : cache,
    key: typeof key === 'function' ? (args: A) => key(...args) : key,
    authenticated: typeof authenticated === 'function' ? (args: A) => authenticated(...args) : authenticated,
    tags: typeof tags === 'function' ? (args: A, response: Response) => tags(response, ...args) : tags,
  }
}

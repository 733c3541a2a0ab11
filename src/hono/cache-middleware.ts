/** `cacheMiddleware`: puts a cache on the context of each request. */
import type { MiddlewareHandler } from 'hono'
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { waitUntilOf } from './wait-until.ts'

/** What `cacheMiddleware` puts on the context: `new Hono<{ Bindings: Env; Variables: CacheVariables }>()`. */
export interface CacheVariables {
  cache: Cache
}

export interface CacheMiddlewareOptions<Bindings> {
  /**
   * The cache, or how to make it from the platform's bindings: called with the first request, and again with the next
   * where it threw. It is made once an isolate, because it prepares its statements and shares reads and computations
   * between requests.
   */
  cache: Cache | ((env: Bindings) => Cache)
}

/**
 * Puts a cache on the context, as `c.var.cache`: one for all requests, with each request's own `waitUntil`.
 *
 * What `getOrSet` leaves to the background (refreshes of stale values, fills of callers that left) is kept alive by the
 * request that caused it, where the platform gives it an execution context, as Cloudflare does. Elsewhere what the cache was
 * made with holds: on Vercel `createCache(db, { waitUntil })` with that of `@vercel/functions`.
 *
 * Makes no request.
 *
 * @throws InvalidOptionError when it is made, or with the first request where the function makes no cache
 * @example
 * const app = new Hono<{ Bindings: Env; Variables: CacheVariables }>()
 * app.use(cacheMiddleware({ cache: (env: Env) => createCache(drizzle(env.DATABASE_URL)) }))
 * app.get('/', async (c) => c.json(await c.var.cache.getOrSet('page', compute, { expiration: '1m', stale: '1h' })))
 */
export function cacheMiddleware<Bindings extends object = object>(
  options: CacheMiddlewareOptions<Bindings>,
): MiddlewareHandler<{ Bindings: Bindings; Variables: CacheVariables }> {
  const { cache } = optionsObject<CacheMiddlewareOptions<Bindings>>(options, ['cache'])
  let shared = typeof cache === 'function' ? undefined : checkedCache(cache)
  return async function cacheMiddleware(c, next) {
    shared ??= checkedCache(typeof cache === 'function' ? cache(c.env) : cache)
    const waitUntil = waitUntilOf(c, undefined)
    c.set('cache', waitUntil === undefined ? shared : withWaitUntil(shared, waitUntil))
    await next()
  }
}

/** The same cache for one request. Each method is the cache's own, called on it: a class may have private fields. */
function withWaitUntil(cache: Cache, waitUntil: (work: Promise<unknown>) => void): Cache {
  const own: Pick<Cache, 'getOrSet' | 'namespace'> = {
    getOrSet: ((key: string, compute: unknown, options?: GetOrSetOptions) =>
      // What is no options object must reach the cache as it is, to be refused there.
      cache.getOrSet(
        key,
        compute,
        isMissingOrPlain(options) ? { waitUntil, ...options } : options,
      )) as Cache['getOrSet'],
    namespace: (...name) => withWaitUntil(cache.namespace(...name), waitUntil),
  }
  // Of what inherits from it: of a frozen cache itself no proxy may answer with anything else.
  return new Proxy(Object.create(cache, Object.getOwnPropertyDescriptors(own)) as Cache, {
    get(target, name) {
      if (Object.hasOwn(target, name)) return Reflect.get(target, name)
      const value: unknown = Reflect.get(cache, name)
      return typeof value === 'function' ? value.bind(cache) : value
    },
    // What somebody puts in a method's place is for this request, whether or not the cache itself could be written to.
    set: (target, name, value) =>
      Reflect.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true }),
  })
}

function isMissingOrPlain(options: unknown): boolean {
  return options === undefined || (typeof options === 'object' && options !== null && !Array.isArray(options))
}

function checkedCache(cache: Cache | undefined): Cache {
  if (typeof cache?.getOrSet === 'function' && typeof cache.namespace === 'function') return cache
  throw new InvalidOptionError(`Expected a cache, or a function that makes one, got ${describeType(cache)}.`)
}

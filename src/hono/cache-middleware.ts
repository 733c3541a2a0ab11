/** `cacheMiddleware`: puts a cache on each request's context. */
import type { MiddlewareHandler } from 'hono'
import type { Cache, GetOrSetOptions } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { waitUntilOf } from './wait-until.ts'

/** The variables that `cacheMiddleware` sets: `new Hono<{ Bindings: Env; Variables: CacheVariables }>()`. */
export interface CacheVariables {
  /** The shared cache. On a platform with an execution context, its `getOrSet` uses this request's `waitUntil`. */
  cache: Cache
}

/** Options of {@link cacheMiddleware}. */
export interface CacheMiddlewareOptions<Bindings> {
  /**
   * The cache, or a function that creates it from the platform's bindings. The function runs on the first request. If
   * it throws, it runs again on the next request. Each isolate creates one cache, because a cache prepares its
   * statements once, and shares reads and computations between requests.
   */
  cache: Cache | ((env: Bindings) => Cache)
}

/**
 * Puts a cache on the context as `c.var.cache`. All requests share one cache, and each uses its own `waitUntil`.
 *
 * `getOrSet` does some work in the background: it refreshes stale values, and finishes fills whose callers left. If the
 * platform provides an execution context, as Cloudflare does, the request that caused the work keeps it alive. On other
 * platforms, use the cache's own option. On Vercel, that is `createCache(db, { waitUntil })` with `waitUntil` of
 * `@vercel/functions`.
 *
 * Makes no database request.
 *
 * @throws InvalidOptionError when the middleware is created, or on the first request if the function returns no cache
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

/** Wraps the cache for one request. Calls methods on the cache itself, because its class may have private fields. */
function withWaitUntil(cache: Cache, waitUntil: (work: Promise<unknown>) => void): Cache {
  const own: Pick<Cache, 'getOrSet' | 'namespace'> = {
    getOrSet: ((key: string, compute: unknown, options?: GetOrSetOptions) =>
      // Pass anything that is not an options object on unchanged, so that the cache refuses it.
      cache.getOrSet(
        key,
        compute,
        isMissingOrPlain(options) ? { waitUntil, ...options } : options,
      )) as Cache['getOrSet'],
    namespace: (...name) => withWaitUntil(cache.namespace(...name), waitUntil),
  }
  // Do not use the cache itself as the target. If it is frozen, a proxy must return the cache's own values.
  return new Proxy(Object.create(cache, Object.getOwnPropertyDescriptors(own)) as Cache, {
    get(target, name) {
      if (Object.hasOwn(target, name)) return Reflect.get(target, name)
      const value: unknown = Reflect.get(cache, name)
      return typeof value === 'function' ? value.bind(cache) : value
    },
    // Replacing a method works even if the cache is frozen, and affects only this request.
    set: (target, name, value) =>
      Reflect.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: true }),
  })
}

function isMissingOrPlain(options: unknown): boolean {
  return options === undefined || (typeof options === 'object' && options !== null && !Array.isArray(options))
}

function checkedCache(cache: Cache | undefined): Cache {
  if (typeof cache?.getOrSet === 'function' && typeof cache.namespace === 'function') return cache
  throw new InvalidOptionError(`Expected a cache, or a function that creates one, got ${describeType(cache)}.`)
}

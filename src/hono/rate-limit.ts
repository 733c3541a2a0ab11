/** `rateLimit`: refuses requests beyond a limit. The database counts for all isolates together. */
import type { Context, Env, MiddlewareHandler } from 'hono'
import type { Cache, LimitResult } from '../cache.ts'
import type { FieldAccess } from '../rate-limit/fields.ts'
import { type RateLimitOptions as CoreOptions, parseRateLimitOptions } from '../rate-limit/options.ts'
import { addFields, countRequest, refuseRequest } from '../rate-limit/rate-limit.ts'
import { canCopy } from '../response-cache/client-response.ts'

/** Options of {@link rateLimit}. Its functions get the context of the request. */
export interface RateLimitOptions<E extends Env = Env> extends Omit<CoreOptions<[c: Context<E>]>, 'cache' | 'onLimit'> {
  /** The cache that counts, or a function that returns it: `(c) => c.var.cache` with `cacheMiddleware`. */
  cache: Cache | ((c: Context<E>) => Cache)
  /**
   * Returns the response to a refused request. Default: 429 with problem details (RFC 9457). `Retry-After` is added if
   * it is missing.
   */
  onLimit?: ((c: Context<E>, result: LimitResult) => Response | Promise<Response>) | undefined
}

/**
 * Limits the requests of each client. Requests beyond the limit get 429.
 *
 * The database counts for all isolates together, so the count is exact. Each request costs one round trip, whether it
 * is allowed or refused. A request that `skip` selects costs none, and with `blockList` neither do most refusals. A
 * refused request uses up nothing of the limit.
 *
 * By default, windows are fixed, and each starts with the first request that it counts. `algorithm` selects a sliding
 * window or a token bucket instead. All times are the database's, so the clocks of isolates and clients do not matter.
 * Background refreshes of `responseCache` are not counted.
 *
 * Every counted response has the remaining quota in `RateLimit`. A refusal has the seconds to wait in `Retry-After`.
 * Put the rate limit in front of a response cache. Otherwise a cached response would carry another client's quota.
 *
 * @throws InvalidOptionError, InvalidExpirationError when the middleware is created. Per request: InvalidKeyError or
 *   InvalidOptionError if `key`, `limit`, `cost` or `onLimit` return something else, and with `failOpen: false`
 *   DatabaseError or DatabaseTimeoutError
 * @example
 * const key = (c: Context) => addressKey(c.req.header('cf-connecting-ip'))
 * app.use('/api/*', rateLimit({ cache, limit: 100, period: '1m', key }))
 */
export function rateLimit<E extends Env = Env>(options: RateLimitOptions<E>): MiddlewareHandler<E> {
  const settings = parseRateLimitOptions(toCore(options))
  return async function rateLimit(c, next) {
    const counted = await countRequest(settings, c.req.raw, [c])
    if (counted === undefined) return next()
    if (!counted.result.allowed) {
      return refuseRequest(settings, counted, [c], (body, init) => c.newResponse(body, init))
    }
    await next()
    // Set the fields after the handler: Hono drops earlier ones if the handler returns a plain Response.
    if (canCopy(c.res)) addFields(settings, counted, fieldsOf(c))
    return undefined
  }
}

/** Swaps the arguments of `onLimit`, because Hono's functions get the context first. */
function toCore<E extends Env>(options: RateLimitOptions<E>): CoreOptions<[c: Context<E>]> {
  const { onLimit } = Object(options) as Partial<RateLimitOptions<E>>
  if (typeof onLimit !== 'function') return options as CoreOptions<[c: Context<E>]>
  return { ...options, onLimit: (result, c) => onLimit(c, result) }
}

function fieldsOf<E extends Env>(c: Context<E>): FieldAccess {
  return { get: (name) => c.res.headers.get(name), set: (name, value) => c.header(name, value) }
}

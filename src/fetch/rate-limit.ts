/** `rateLimit`: limits the requests to any `(request) => Response` handler. */
import { parseRateLimitOptions, type RateLimitOptions } from '../rate-limit/options.ts'
import { addFields, countRequest, refuseRequest } from '../rate-limit/rate-limit.ts'
import { amend } from '../response-cache/client-response.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

/**
 * Limits the requests of each client to a handler. Requests beyond the limit get 429.
 *
 * Returns a function to use in place of the handler. The functions in the options get the handler's arguments.
 *
 * The database counts for all isolates together, so the count is exact. Each request costs one round trip, whether it
 * is allowed or refused. A request that `skip` selects costs none, and with `blockList` neither do most refusals. A
 * refused request uses up nothing of the limit.
 *
 * By default, windows are fixed, and each starts with the first request that it counts. `algorithm` selects a sliding
 * window or a token bucket instead. All times are the database's, so the clocks of isolates and clients do not matter.
 * Background refreshes of a cache behind it are not counted.
 *
 * Every counted response has the remaining quota in `RateLimit`. A refusal has the seconds to wait in `Retry-After`.
 * Put the rate limit around a response cache, not inside it. Otherwise a cached response would carry another client's
 * quota.
 *
 * @throws InvalidOptionError, InvalidExpirationError when the limit is created. Per request: InvalidKeyError or
 *   InvalidOptionError if `key`, `limit`, `cost` or `onLimit` return something else, and with `failOpen: false`
 *   DatabaseError or DatabaseTimeoutError
 * @example
 * const key = (request: Request) => addressKey(request.headers.get('cf-connecting-ip'))
 * const options = { cache, limit: 100, period: '1m', key } as const
 * export default { fetch: rateLimit(async (request: Request) => answer(request), options) }
 */
export function rateLimit<A extends readonly [request: Request, ...rest: unknown[]]>(
  handler: (...args: A) => Response | Promise<Response>,
  options: RateLimitOptions<A>,
): (...args: A) => Promise<Response> {
  if (typeof handler !== 'function') {
    throw new InvalidOptionError(`Expected a request handler function, got ${describeType(handler)}.`)
  }
  const settings = parseRateLimitOptions(options)
  return async function handleWithLimit(...args) {
    const counted = await countRequest(settings, args[0], args)
    if (counted === undefined) return handler(...args)
    if (!counted.result.allowed) return refuseRequest(settings, counted, args)
    const response = await handler(...args)
    // Bun's handlers return nothing after an upgrade.
    if (!settings.hasFields || typeof response?.headers?.get !== 'function') return response
    return amend(response, (headers) => addFields(settings, counted, headers))
  }
}

/** `rateLimit`: limits the requests to any `(request) => Response` handler. */
import { parseRateLimitOptions, type RateLimitOptions } from '../rate-limit/options.ts'
import { addFields, countRequest, refuseRequest } from '../rate-limit/rate-limit.ts'
import { amend } from '../response-cache/client-response.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

/**
 * Limits the requests to a handler per client and window. Requests beyond the limit get 429.
 *
 * Returns a function to use in place of the handler. The functions in the options get the handler's arguments.
 *
 * Each request costs one round trip, whether it is allowed or refused. A request that `skip` selects costs none. The
 * count is exact for any number of isolates, and includes refused requests. Windows are fixed. They start with a
 * client's first request, by the database's clock, so the clocks of isolates and clients do not matter. Background
 * refreshes of a cache behind it are not counted.
 *
 * Every counted response has the remaining quota in `RateLimit`. A refusal has the seconds to wait in `Retry-After`.
 * Put the rate limit around a response cache, not inside it. Otherwise a cached response would carry another client's
 * quota.
 *
 * @throws InvalidOptionError, InvalidExpirationError when the limit is created. Per request: InvalidKeyError or
 * InvalidOptionError if `key`, `limit` or `onLimit` return something else, and with `failOpen: false` DatabaseError or
 * DatabaseTimeoutError
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

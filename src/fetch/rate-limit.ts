/** `rateLimit`: a limit of requests around any function from a request to a response. */
import { parseRateLimitOptions, type RateLimitOptions } from '../rate-limit/options.ts'
import { addFields, countRequest, refuseRequest } from '../rate-limit/rate-limit.ts'
import { amend } from '../response-cache/client-response.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'

/**
 * Lets a number of requests per client and window through to a handler, and answers 429 to the rest.
 *
 * Returns a function that takes the handler's place. The functions among the options get the handler's own arguments.
 *
 * Each request costs one round trip, allowed or not. Requests that `skip` selects cost none. The count is exact for any number
 * of isolates, and includes refused requests. Windows are fixed. They start with a client's first request, by the database's
 * clock, so the clocks of isolates and clients do not matter. Background refreshes of a cache behind it are not counted.
 *
 * Every counted response states the remaining quota in `RateLimit`. A refusal states the seconds to wait in `Retry-After`. Wrap
 * a response cache with this and not the other way round, otherwise a cached response would carry the quota of another client.
 *
 * @throws InvalidOptionError, InvalidExpirationError when the limit is created. Per request: InvalidKeyError or
 * InvalidOptionError if `key`, `limit` or `onLimit` return something else, and with `failOpen: false` DatabaseError or
 * DatabaseTimeoutError
 * @example
 * const key = (request: Request) => addressKey(request.headers.get('cf-connecting-ip'))
 * export default { fetch: rateLimit(async (request: Request) => answer(request), { cache, limit: 100, period: '1m', key }) }
 */
export function rateLimit<A extends readonly [request: Request, ...rest: unknown[]]>(
  handler: (...args: A) => Response | Promise<Response>,
  options: RateLimitOptions<A>,
): (...args: A) => Promise<Response> {
  if (typeof handler !== 'function') {
    throw new InvalidOptionError(`Expected a handler of requests, got ${describeType(handler)}.`)
  }
  const settings = parseRateLimitOptions(options)
  return async function rateLimited(...args) {
    const counted = await countRequest(settings, args[0], args)
    if (counted === undefined) return handler(...args)
    if (!counted.result.allowed) return refuseRequest(settings, counted, args)
    const response = await handler(...args)
    // Bun's handlers return nothing after an upgrade.
    if (!settings.hasFields || typeof response?.headers?.get !== 'function') return response
    return amend(response, (headers) => addFields(settings, counted, headers))
  }
}

/** `rateLimit`: refuses requests beyond a number per window, counted in the database for all isolates together. */
import type { Context, Env, MiddlewareHandler } from 'hono'
import type { LimitResult } from '../cache.ts'
import { DatabaseTimeoutError, describeType, InvalidOptionError, isOutage } from '../values/errors.ts'
import { withDeadline } from '../values/with-deadline.ts'
import { addRateLimitFields, type FieldAccess, seconds } from './rate-limit-fields.ts'
import { rateLimitKey } from './rate-limit-key.ts'
import { parseRateLimitOptions, type RateLimitOptions, type RateLimitSettings } from './rate-limit-options.ts'

export type { RateLimitOptions } from './rate-limit-options.ts'

/** Registered by the draft, section 5.1. */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded'
const SWITCHING_PROTOCOLS = 101

interface Counted {
  readonly limit: number
  readonly result: LimitResult
}

/**
 * Lets a number of requests per client and window through, and answers 429 to the rest.
 *
 * Each request costs one round trip, allowed or not; requests that `skip` selects cost none. The count is exact for any number
 * of isolates, and includes refused requests. Windows are fixed. They start with a client's first request, by the database's
 * clock, so the clocks of isolates and clients do not matter.
 *
 * Every counted response states the remaining quota in `RateLimit`, and a refusal the seconds to wait in `Retry-After`. Put
 * this in front of a response cache, otherwise a cached response would carry the quota of another client.
 *
 * @throws InvalidOptionError, InvalidExpirationError when the middleware is created. Per request: InvalidKeyError or
 * InvalidOptionError if `key`, `limit` or `onLimit` return something else, and with `failOpen: false` DatabaseError or
 * DatabaseTimeoutError
 * @example
 * app.use('/api/*', rateLimit({ cache, limit: 100, period: '1m', key: (c) => addressKey(c.req.header('cf-connecting-ip')) }))
 */
export function rateLimit<E extends Env = Env>(options: RateLimitOptions<E>): MiddlewareHandler<E> {
  const settings = parseRateLimitOptions(options)
  return async function rateLimit(c, next) {
    if (await settings.skip?.(c)) return next()
    const counted = await count(settings, c)
    if (counted === undefined) return next()
    if (!counted.result.allowed) return refuse(settings, c, counted)
    await next()
    // Set the fields after the handler: Hono drops earlier ones if the handler returns a plain Response.
    if (c.res.status !== SWITCHING_PROTOCOLS) addFields(settings, counted, fieldsOf(c))
    return undefined
  }
}

/** Counts the request. Returns undefined if the database is unreachable and the request may pass. */
async function count<E extends Env>(settings: RateLimitSettings<E>, c: Context<E>): Promise<Counted | undefined> {
  const cache = settings.cacheOf(c)
  const limit = await settings.limitOf(c)
  const key = rateLimitKey(settings.name, await settings.keyOf(c))
  try {
    const result = await withDeadline(
      settings.timeoutMs,
      cache.limit(key, { limit, period: { milliseconds: settings.periodMs } }),
    )
    if (result === undefined) throw new DatabaseTimeoutError(settings.timeoutMs)
    return { limit, result }
  } catch (error) {
    if (!settings.failOpen || !isOutage(error)) throw error
    await reportError(settings, error, c)
    return undefined
  }
}

/** Ignores an error of the listener itself: it must not fail a request that failing open lets through. */
async function reportError<E extends Env>(
  settings: RateLimitSettings<E>,
  error: unknown,
  c: Context<E>,
): Promise<void> {
  try {
    await settings.onError(error, c)
  } catch {}
}

async function refuse<E extends Env>(
  settings: RateLimitSettings<E>,
  c: Context<E>,
  counted: Counted,
): Promise<Response> {
  const answer =
    settings.onLimit === undefined ? problemDetails(settings, c) : await settings.onLimit(c, counted.result)
  if (typeof answer?.headers?.get !== 'function') {
    throw new InvalidOptionError(`Expected onLimit to answer with a Response, got ${describeType(answer)}.`)
  }
  // Copy the response, because the headers of some responses are immutable.
  const response = new Response(answer.body, answer)
  const { headers } = response
  if (!headers.has('retry-after')) headers.set('retry-after', String(seconds(counted.result.resetMs)))
  addFields(settings, counted, headers)
  return response
}

function problemDetails<E extends Env>({ name }: RateLimitSettings<E>, c: Context<E>): Response {
  const details = { type: QUOTA_EXCEEDED, title: 'Too many requests', status: 429, 'violated-policies': [name] }
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return c.body(JSON.stringify(details), 429, headers)
}

function addFields<E extends Env>(
  settings: RateLimitSettings<E>,
  { limit, result }: Counted,
  fields: FieldAccess,
): void {
  const { name, periodMs, hasFields } = settings
  if (hasFields) addRateLimitFields(fields, { ...result, name, limit, periodMs })
}

function fieldsOf<E extends Env>(c: Context<E>): FieldAccess {
  return { get: (name) => c.res.headers.get(name), set: (name, value) => c.header(name, value) }
}

/** `rateLimit`: refuses requests beyond a number in a window of time, counted in the database for all isolates together. */
import type { Context, Env, MiddlewareHandler } from 'hono'
import type { LimitResult } from '../cache.ts'
import { DatabaseTimeoutError, describeType, InvalidOptionError, isOutage } from '../values/errors.ts'
import { within } from '../values/within.ts'
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
 * Lets so many requests of a client through in a window of time, and answers 429 to the others.
 *
 * One round trip a request, whatever comes of it; none for those that `skip` names. The count is exact whatever the number
 * of isolates, and refused requests are counted too. Windows are fixed and begin with a client's first request, by the
 * database's clock; the clocks of isolates and clients do not matter. Every answer that was counted says what is left in `RateLimit`,
 * and a refusal how many seconds to wait in `Retry-After`. Put it before a response cache, or cached answers would tell
 * the state of another client.
 *
 * @throws InvalidOptionError, InvalidExpirationError when it is made; of a request InvalidKeyError, InvalidOptionError where
 * `key`, `limit` or `onLimit` answer something else, and with `failOpen: false` DatabaseError, DatabaseTimeoutError
 * @example
 * app.use('/api/*', rateLimit({ cache, limit: 100, period: '1m', key: (c) => addressKey(c.req.header('cf-connecting-ip')) }))
 */
export function rateLimit<E extends Env = Env>(options: RateLimitOptions<E>): MiddlewareHandler<E> {
  const settings = parseRateLimitOptions(options)
  return async function rateLimit(c, next) {
    if (await settings.skip?.(c)) return next()
    const counted = await attempt(settings, c)
    if (counted === undefined) return next()
    if (!counted.result.allowed) return refusal(settings, c, counted)
    await next()
    // After the handler: what is set before is lost when it returns a plain Response.
    if (c.res.status !== SWITCHING_PROTOCOLS) describe(settings, counted, fieldsOf(c))
    return undefined
  }
}

/** Undefined where the database is away and the request may pass. */
async function attempt<E extends Env>(settings: RateLimitSettings<E>, c: Context<E>): Promise<Counted | undefined> {
  const cache = settings.cacheOf(c)
  const limit = await settings.limitOf(c)
  const key = rateLimitKey(settings.name, await settings.keyOf(c))
  try {
    const result = await within(
      settings.timeoutMs,
      cache.limit(key, { limit, period: { milliseconds: settings.periodMs } }),
    )
    if (result === undefined) throw new DatabaseTimeoutError(settings.timeoutMs)
    return { limit, result }
  } catch (error) {
    if (!settings.failOpen || !isOutage(error)) throw error
    await tell(settings, error, c)
    return undefined
  }
}

/** A listener's own failure must not fail the request, which would undo what failing open is for. */
async function tell<E extends Env>(settings: RateLimitSettings<E>, error: unknown, c: Context<E>): Promise<void> {
  try {
    await settings.onError(error, c)
  } catch {}
}

async function refusal<E extends Env>(
  settings: RateLimitSettings<E>,
  c: Context<E>,
  counted: Counted,
): Promise<Response> {
  const answer = settings.onLimit === undefined ? problem(settings, c) : await settings.onLimit(c, counted.result)
  if (typeof answer?.headers?.get !== 'function') {
    throw new InvalidOptionError(`Expected onLimit to answer with a Response, got ${describeType(answer)}.`)
  }
  // A copy, because the headers of some responses cannot be changed.
  const response = new Response(answer.body, answer)
  const { headers } = response
  if (!headers.has('retry-after')) headers.set('retry-after', String(seconds(counted.result.resetMs)))
  describe(settings, counted, headers)
  return response
}

function problem<E extends Env>({ name }: RateLimitSettings<E>, c: Context<E>): Response {
  const details = { type: QUOTA_EXCEEDED, title: 'Too many requests', status: 429, 'violated-policies': [name] }
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return c.body(JSON.stringify(details), 429, headers)
}

function describe<E extends Env>(
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

/** Counts requests and refuses the requests beyond a limit, for the rate limits of any framework. */
import type { LimitResult, LimitRule } from '../cache.ts'
import { amend } from '../response-cache/client-response.ts'
import { isRefresh } from '../response-cache/refresh-mark.ts'
import { DatabaseTimeoutError, describeType, InvalidOptionError } from '../values/errors.ts'
import { wholeNumber } from '../values/options.ts'
import { isOutage } from '../values/outage.ts'
import { withDeadline } from '../values/with-deadline.ts'
import { rateLimitKey } from './counter-key.ts'
import { addRateLimitFields, type FieldAccess, seconds } from './fields.ts'
import type { RateLimitSettings } from './options.ts'

/** Registered by the draft, section 5.1. */
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded'

/** A request that was counted. */
export interface Counted {
  readonly limit: number
  readonly result: LimitResult
}

/**
 * Counts a request. Returns undefined if it passes uncounted. These are refreshes of the response cache, skipped
 * requests, and, with `failOpen`, requests that the database cannot count.
 */
export async function countRequest<A extends readonly unknown[]>(
  settings: RateLimitSettings<A>,
  request: Request,
  args: A,
): Promise<Counted | undefined> {
  // No client sent this request, so no option should see it.
  if (isRefresh(request)) return undefined
  if (await settings.skip?.(...args)) return undefined
  const cache = settings.cacheOf(...args)
  const limit = await settings.limitOf(...args)
  const cost = await settings.costOf(...args)
  // A request that gave requests back would undo the limit.
  wholeNumber('cost', cost, 0)
  const key = rateLimitKey(settings.name, await settings.keyOf(...args))
  try {
    const result = await withDeadline(settings.timeoutMs, cache.limit(key, ruleOf(settings, limit, cost)))
    if (result === undefined) throw new DatabaseTimeoutError(settings.timeoutMs)
    return { limit, result }
  } catch (error) {
    if (!settings.failOpen || !isOutage(error)) throw error
    await reportError(settings, error, args)
    return undefined
  }
}

/**
 * Makes the rule for `cache.limit`. It omits fields with default values, because a third party's cache may support only
 * fixed windows.
 */
function ruleOf<A extends readonly unknown[]>(
  { periodMs, algorithm, refill, isBlockListed }: RateLimitSettings<A>,
  limit: number,
  cost: number,
): LimitRule {
  return {
    limit,
    period: { milliseconds: periodMs },
    ...(algorithm === 'fixed-window' ? {} : { algorithm }),
    ...(refill === undefined ? {} : { refill }),
    ...(cost === 1 ? {} : { cost }),
    ...(isBlockListed ? { blockList: true } : {}),
  }
}

/**
 * Reports an error. Ignores an error of `onError` itself, which must not fail a request that `failOpen` lets through.
 */
async function reportError<A extends readonly unknown[]>(
  settings: RateLimitSettings<A>,
  error: unknown,
  args: A,
): Promise<void> {
  try {
    await settings.onError(error, ...args)
  } catch {}
}

type MakeResponse = (body: string, init: { status: 429; headers: Record<string, string> }) => Response

/**
 * Returns the refusal of a counted request.
 *
 * @param makeResponse makes the default refusal. Hono's version adds the header fields that middleware in front set.
 * @throws InvalidOptionError if `onLimit` does not return a Response
 */
export async function refuseRequest<A extends readonly unknown[]>(
  settings: RateLimitSettings<A>,
  counted: Counted,
  args: A,
  makeResponse: MakeResponse = (body, init) => new Response(body, init),
): Promise<Response> {
  const { name, onLimit } = settings
  const answer = onLimit ? await onLimit(counted.result, ...args) : problemDetails(name, makeResponse)
  if (typeof answer?.headers?.get !== 'function') {
    throw new InvalidOptionError(`Expected onLimit to return a Response, got ${describeType(answer)}.`)
  }
  return amend(answer, (headers) => {
    if (!headers.has('retry-after')) headers.set('retry-after', String(seconds(retryAfterMs(counted.result))))
    addFields(settings, counted, headers)
  })
}

/**
 * Returns when the client may retry. The fallback is the end of the window. It is used if the request costs more than
 * the limit, and so never succeeds, or if a third party's cache reports no `retryMs`.
 */
function retryAfterMs({ retryMs, resetMs }: Partial<LimitResult>): number {
  return retryMs === undefined || retryMs === Number.POSITIVE_INFINITY ? (resetMs ?? 0) : retryMs
}

function problemDetails(name: string, makeResponse: MakeResponse): Response {
  const details = { type: QUOTA_EXCEEDED, title: 'Too many requests', status: 429, 'violated-policies': [name] }
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' }
  return makeResponse(JSON.stringify(details), { status: 429, headers })
}

/** Adds the fields that state the remaining quota, unless the options turn them off. */
export function addFields<A extends readonly unknown[]>(
  { name, periodMs, refill, hasFields }: RateLimitSettings<A>,
  { limit, result }: Counted,
  fields: FieldAccess,
): void {
  // For a token bucket, the window is the time in which an empty bucket becomes full.
  const windowMs = refill === undefined ? periodMs : Math.max(1, Math.ceil(limit / refill)) * periodMs
  if (hasFields) addRateLimitFields(fields, { ...result, name, limit, periodMs: windowMs })
}

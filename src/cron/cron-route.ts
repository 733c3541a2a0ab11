import type { Cache } from '../cache.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { bearerCheck, checkedHeaderSecret, isUnset } from '../values/secret.ts'
import type { TimeSpan } from '../values/time-span.ts'
import { cleanupOf } from './cleanup-of.ts'

/** Less than the ten seconds that Vercel's smallest plan allows a function. */
const DEFAULT_TIME_BUDGET_MS = 8_000

/** Options of {@link cronRoute}. */
export interface CronRouteOptions {
  /**
   * The secret that the caller sends as `Authorization: Bearer …`: at least 16 visible ASCII characters. Vercel sends
   * the variable `CRON_SECRET`.
   *
   * While it is undefined or empty, every request gets 500, so that a build can load the module without it.
   */
  secret: string | undefined
  /** The time after which no further batch starts. A plain number is milliseconds; default 8,000. */
  timeBudget?: TimeSpan | undefined
  /** Entries removed by one statement; default 5,000. */
  batch?: number | undefined
}

/**
 * Creates a route that removes expired entries, for Vercel Cron or any scheduler that calls a URL.
 *
 * The route answers 200 with `{ removed, more }`, 401 without the secret, and 405 to methods other than GET and POST.
 * It answers 500 if the database fails or the route has no secret. The reason for a 500 goes to `console.error`.
 *
 * @throws InvalidOptionError if the secret is neither a string nor undefined, or too short to be safe
 * @example
 * export const GET = cronRoute(cache, { secret: process.env.CRON_SECRET })
 */
export function cronRoute(
  cache: Cache | (() => Cache),
  options: CronRouteOptions,
): (request: Request) => Promise<Response> {
  const { secret, ...rest } = optionsObject<CronRouteOptions>(options, ['secret', 'timeBudget', 'batch'])
  const isRight = isUnset(secret) ? undefined : bearerCheck(checkedHeaderSecret('secret', secret))
  const clean = cleanupOf(cache, rest, DEFAULT_TIME_BUDGET_MS)

  return async (request) => {
    if (request.method !== 'GET' && request.method !== 'POST') {
      return answer(405, { error: 'Method not allowed' }, { allow: 'GET, POST' })
    }
    if (isRight === undefined) {
      console.error(new InvalidOptionError('Expected the secret of a cron route to be set: is CRON_SECRET missing?'))
      return answer(500, { error: 'Cleanup has no secret' })
    }
    if (!isRight(request.headers.get('authorization') ?? '')) {
      return answer(401, { error: 'Unauthorized' }, { 'www-authenticate': 'Bearer' })
    }
    try {
      return answer(200, await clean(undefined))
    } catch (error) {
      // Log the error instead of returning it: the caller is a scheduler, and operators read the platform's log.
      console.error(error)
      return answer(500, { error: 'Cleanup failed' })
    }
  }
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

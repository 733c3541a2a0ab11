import type { Cache } from '../cache.ts'
import { InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { checkedHeaderSecret, secretCheck } from '../values/secret.ts'
import type { TimeSpan } from '../values/time-span.ts'
import { cleanupOf } from './cleanup-of.ts'

/** Below the ten seconds that the smallest Vercel plan gives a function. */
const DEFAULT_TIME_BUDGET_MS = 8_000

export interface CronRouteOptions {
  /**
   * What the caller must send as `Authorization: Bearer …`: at least 16 visible ASCII characters. Vercel sends the
   * variable `CRON_SECRET`.
   *
   * While it is undefined or empty, every request gets 500. It may be missing while a build loads the module.
   */
  secret: string | undefined
  /** After it no further batch starts. A plain number is milliseconds; default 8,000. */
  timeBudget?: TimeSpan | undefined
  /** Entries removed by one statement; default 5,000. */
  batch?: number | undefined
}

/**
 * A route for Vercel Cron, or any scheduler that calls a URL: removes expired entries.
 *
 * Answers 200 with `{ removed, more }`, 401 without the secret, 405 to other methods than GET and POST, and 500 when
 * the database failed or the route has no secret. The reason of a 500 goes to `console.error`.
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
  const isRight = checkOf(secret)
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
      // Not to the caller, who is a scheduler: the platform's log is where to look.
      console.error(error)
      return answer(500, { error: 'Cleanup failed' })
    }
  }
}

/** Undefined while there is no secret: nobody is let in, and the module loads. @throws InvalidOptionError */
function checkOf(secret: unknown): ((authorization: string) => boolean) | undefined {
  if (secret === undefined || (typeof secret === 'string' && secret.trim() === '')) return undefined
  return secretCheck(`Bearer ${checkedHeaderSecret('secret', secret)}`)
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

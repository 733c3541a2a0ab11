/** Purges responses over HTTP. */
import type { Cache } from '../cache.ts'
import type { QueryRule } from '../http/index.ts'
import { responseStoreOf } from '../postgres/responses/response-store.ts'
import { CacheError, InvalidOptionError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'
import { bearerCheck, bearerToken, isUnset } from '../values/secret.ts'
import { purge } from './purge.ts'

/** Options of `purgeRoute`. */
export interface PurgeRouteOptions {
  /** The cache that stores the responses, made by `createCache`. */
  cache: Cache
  /**
   * The secret that `Authorization: Bearer` must carry, at least 16 visible characters. While it is undefined or empty,
   * every request gets 500, so that a build can load the module without it.
   */
  secret: string | undefined
  /** The `query` option of the response cache that stored the responses. Default: all parameters, as in that option. */
  query?: QueryRule | undefined
}

/** The two steps of the route, for adapters that route methods and paths themselves. */
export interface PurgeRouteSteps {
  /** Returns the response that refuses a request without the secret, or undefined if the request has it. */
  refuse(request: Request): Response | undefined
  /** Purges the targets in the request's body. Call `refuse` first. */
  answer(readJson: () => Promise<unknown>): Promise<Response>
}

/** @throws InvalidOptionError if the secret is neither a string nor undefined, or too short to be safe */
export function createPurgeRouteSteps(options: PurgeRouteOptions): PurgeRouteSteps {
  const { cache, secret, query } = optionsObject<PurgeRouteOptions>(options, ['cache', 'secret', 'query'])
  const isRight = isUnset(secret) ? undefined : bearerCheck(bearerToken(secret))
  if (cache === undefined) throw new InvalidOptionError('Expected a cache, got undefined.')
  responseStoreOf(cache)
  return {
    refuse: ({ headers }) =>
      isRight === undefined ? refuseAll() : refusal(headers.get('authorization') ?? '', isRight),
    async answer(readJson) {
      try {
        const targets = await readJson().catch(() => undefined)
        if (targets === undefined)
          throw new InvalidOptionError('Expected a JSON body, such as {"urls": ["https://example.com/"]}.')
        return json(200, { purged: await purge(cache, { ...Object(targets), query }) })
      } catch (error) {
        if (!(error instanceof CacheError)) throw error
        const isOurs = error.code === 'DATABASE' || error.code === 'TIMEOUT'
        return json(isOurs ? 503 : 400, { error: error.code, message: error.message })
      }
    },
  }
}

/**
 * Creates a route that purges responses, for any server that calls `(request) => Response`.
 *
 * It accepts `POST` with a JSON body of `urls`, `prefixes`, `tags` and `soft`, and answers `{ "purged": number }`.
 * Other methods get 405, and a request without the secret gets 401. While no secret is configured, every request gets
 * 500, and `console.error` gets the reason.
 *
 * @throws InvalidOptionError if the secret is neither a string nor undefined, or too short to be safe
 * @example
 * export const POST = purgeRoute({ cache, secret: process.env.PURGE_SECRET })
 */
export function createPurgeRoute(options: PurgeRouteOptions): (request: Request) => Promise<Response> {
  const { refuse, answer } = createPurgeRouteSteps(options)
  return async (request) => {
    if (request.method !== 'POST') return json(405, { error: 'Method not allowed' }, { allow: 'POST' })
    return refuse(request) ?? answer(() => request.json())
  }
}

/** The syntax of an Authorization field with a bearer token (RFC 6750 2.1). */
const BEARER = /^bearer +[\w.~+/-]+=*$/i

function refusal(authorization: string, isRight: (authorization: string) => boolean): Response | undefined {
  if (isRight(authorization)) return undefined
  if (authorization === '') return challenge(401, 'Unauthorized', 'realm=""')
  if (!BEARER.test(authorization)) return challenge(400, 'Bad Request', 'error="invalid_request"')
  return challenge(401, 'Unauthorized', 'error="invalid_token"')
}

/** Returns a refusal with a WWW-Authenticate challenge (RFC 6750 3). */
function challenge(status: number, text: string, parameter: string): Response {
  return new Response(text, {
    status,
    headers: { 'www-authenticate': `Bearer ${parameter}`, 'cache-control': 'no-store' },
  })
}

/** Refuses every request while no secret is configured. */
function refuseAll(): Response {
  console.error(
    new InvalidOptionError(
      'Expected purgeRoute to get a secret, got none. Set the environment variable that `secret` reads.',
    ),
  )
  return json(500, { error: 'The purge route has no secret' })
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(body, { status, headers: { 'cache-control': 'no-store', ...headers } })
}

/** The options of `responseCache`, checked once. */
import type { Context } from 'hono'
import type { Cache } from '../cache.ts'
import { createPolicy, type HeuristicOptions, type Policy, type QueryRule } from '../http/index.ts'
import { now } from '../values/clock.ts'
import { DEFAULT_SLACK } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { boundedSpan, type Expiration, parsePeriod } from '../values/expiration.ts'
import { boolean, optionalFunction, optionsObject, wholeNumber } from '../values/options.ts'
import { type DeprecatedOptions, renameOptions } from './deprecated.ts'
import { type PathPattern, pathMatcher } from './paths.ts'
import { checkedQuery } from './query-rule.ts'
import { type RequestKey, requestKey } from './request-key.ts'
import { responseStoreOf } from './response-store.ts'

export interface ResponseCacheOptions extends DeprecatedOptions {
  /** Where responses are kept: a cache of `createCache`, or a function that gives it for a request. */
  cache: Cache | ((c: Context) => Cache)
  /**
   * How long cacheable responses that say nothing of it are fresh, a positive span. Default: they are not, as RFC 9111 has
   * it. What a response itself says always counts.
   */
  expiration?: Expiration | undefined
  /** Hits push the deadline of such responses out again, mostly without a write. Default false. */
  sliding?: boolean | undefined
  /** With sliding: how old a response can become, whatever the hits; a positive span. Default: any age. */
  maxAge?: Expiration | undefined
  /** stale-while-revalidate for responses that name none; a positive span, default none. */
  stale?: Expiration | undefined
  /**
   * stale-if-error for responses that name none; a positive span, default none. A handler that throws is an error too, unless
   * it throws an HTTPException that is answered with a status below 500.
   */
  staleIfError?: Expiration | undefined
  /**
   * Whether a response with s-maxage may be served stale if it also names stale-while-revalidate or stale-if-error. Many
   * CDNs allow it; by RFC 9111, s-maxage implies proxy-revalidate, which forbids it. Default false.
   */
  allowStaleWithSMaxAge?: boolean | undefined
  /** Request fields that every response varies on, whatever its own Vary says. */
  vary?: readonly string[] | undefined
  /** Which query parameters are part of the key; default all, in their order. The handler still sees all of them. */
  query?: QueryRule | undefined
  /**
   * What else separates responses: those with different texts never meet. It is hashed. Or a URL that takes the place of
   * the request's own, so that requests that mean the same share a response; purges name it then.
   */
  key?: ((c: Context) => string | URL | undefined) | undefined
  /** Paths that are left alone: `/admin`, `/users/:id`, `/api/*`, or regular expressions. */
  exclude?: readonly PathPattern[] | undefined
  /** The only paths that are cached; default all. */
  include?: readonly PathPattern[] | undefined
  /**
   * Requests with Authorization: shared where RFC 9111 3.5 allows it (`'rfc'`, the default), not cached (`'never'`), or
   * cached for each user by a function that names the user. Without a name the request is not cached.
   */
  authenticated?: 'rfc' | 'never' | ((c: Context) => string | undefined) | undefined
  /** Whether to store responses with Set-Cookie. Every client then gets the same cookie. RFC 9111 allows it; default false. */
  storeSetCookie?: boolean | undefined
  /** Tags of a response, beside those of its Cache-Tag and Cache-Groups fields. */
  tags?: ((c: Context, response: Response) => Iterable<string>) | undefined
  /** Longer bodies are passed on and not stored; default 8 MiB. */
  maxBodyBytes?: number | undefined
  /** Variants of one URL that are kept at once; default 100. */
  maxVariants?: number | undefined
  /**
   * How long to keep a response with an ETag or Last-Modified after it can no longer be served, so that the handler can
   * revalidate it with a 304: a positive span, or false to delete it then. Varnish calls this `keep`. Default 1 day.
   */
  keepForRevalidation?: Expiration | false | undefined
  /** The only statuses to store; default all that RFC 9111 allows. */
  statuses?: readonly number[] | undefined
  /** Guesses a lifetime from Last-Modified; default false. */
  heuristic?: boolean | HeuristicOptions | undefined
  /** Whether the client's Cache-Control is heeded beyond no-store, which always is; default false: it costs you, not them. */
  requestDirectives?: boolean | undefined
  /** Fields that this cache obeys instead of Cache-Control, the most specific first (RFC 9213); default `['cdn-cache-control']`. */
  targetedFields?: readonly string[] | undefined
  /** This cache's name in the Cache-Status field (RFC 9211), or false for no such field; default `'pgstash'`. */
  cacheStatus?: string | false | undefined
  /** How long others wait for the one request that asks the handler; a positive span, default 10 s. */
  lease?: Expiration | undefined
  /**
   * How to ask the application once more, for a refresh after the response: `(request, c) => app.fetch(request, c.env,
   * c.executionCtx)`. Without it, the request that finds a response stale refreshes it before it is answered.
   */
  refresh?: ((request: Request, c: Context) => Response | Promise<Response>) | undefined
  /** Keeps work alive after the response; default the request's `executionCtx.waitUntil` where there is one. */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

const KNOWN_OPTIONS = [
  'cache',
  'expiration',
  'sliding',
  'maxAge',
  'stale',
  'staleIfError',
  'allowStaleWithSMaxAge',
  'vary',
  'query',
  'key',
  'exclude',
  'include',
  'authenticated',
  'storeSetCookie',
  'tags',
  'maxBodyBytes',
  'maxVariants',
  'keepForRevalidation',
  'statuses',
  'heuristic',
  'requestDirectives',
  'targetedFields',
  'cacheStatus',
  'lease',
  'refresh',
  'waitUntil',
] as const satisfies readonly (keyof ResponseCacheOptions)[]

const DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024
/** As base64 and escaped it must stay within the 64 MB that Neon takes. */
const LARGEST_BODY_BYTES = 32 * 1024 * 1024
const DEFAULT_MAX_VARIANTS = 100
const DEFAULT_LEASE_MS = 10_000
const DEFAULT_VALIDATABLE_MS = 86_400_000
const MS_PER_SECOND = 1_000

/** The options as the middleware goes by them. */
export interface Plan {
  readonly policy: Policy
  readonly cacheOf: (c: Context) => Cache
  readonly isSelected: (path: string) => boolean
  readonly sliding: { readonly ttlMs: number; readonly lifeMs: number; readonly maxAgeMs: number | null } | undefined
  readonly query: QueryRule | undefined
  /** The request's key; undefined where it must be left alone. */
  readonly keyOf: (c: Context) => RequestKey | undefined
  readonly tagsOf: ResponseCacheOptions['tags']
  readonly maxBodyBytes: number
  readonly maxVariants: number
  readonly validatableMs: number
  readonly statusName: string | undefined
  readonly leaseMs: number
  readonly refresh: ResponseCacheOptions['refresh']
  readonly waitUntil: ResponseCacheOptions['waitUntil']
}

/** @throws InvalidOptionError, InvalidExpirationError */
export function parseOptions(given: ResponseCacheOptions): Plan {
  if (given === undefined) throw new InvalidOptionError('Expected options with a cache, got undefined.')
  const options = optionsObject<ResponseCacheOptions>(renameOptions(given), KNOWN_OPTIONS)
  const { cache, key, tags, refresh, waitUntil, cacheStatus = 'pgstash', authenticated = 'rfc' } = options
  for (const [name, value] of Object.entries({ key, tags, refresh, waitUntil })) optionalFunction(name, value)
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, maxVariants = DEFAULT_MAX_VARIANTS } = options
  const includes = pathMatcher('include', options.include)
  const excludes = pathMatcher('exclude', options.exclude)
  return {
    policy: policyOf(options),
    cacheOf: cacheFunction(cache),
    isSelected: (path) => (options.include === undefined || includes(path)) && !excludes(path),
    sliding: slidingOf(options),
    query: checkedQuery(options.query),
    keyOf: (c) => requestKey(c, key, authenticated),
    tagsOf: tags,
    maxBodyBytes: wholeNumber('maxBodyBytes', maxBodyBytes, 0, LARGEST_BODY_BYTES),
    maxVariants: wholeNumber('maxVariants', maxVariants, 1),
    validatableMs: validatableMs(options.keepForRevalidation),
    statusName: checkedName(cacheStatus),
    leaseMs: span('lease', options.lease) ?? DEFAULT_LEASE_MS,
    refresh,
    waitUntil,
  }
}

function policyOf(options: Partial<ResponseCacheOptions>): Policy {
  const { authenticated = 'rfc', vary = [], statuses, heuristic = false, targetedFields } = options
  if (authenticated !== 'rfc' && authenticated !== 'never' && typeof authenticated !== 'function') {
    throw new InvalidOptionError(
      `Expected authenticated to be 'rfc', 'never' or a function, got ${describeType(authenticated)}.`,
    )
  }
  return createPolicy({
    authenticated: typeof authenticated === 'function' ? 'keyed' : authenticated,
    defaultLifetime: seconds('expiration', options.expiration),
    staleWhileRevalidate: seconds('stale', options.stale) ?? 0,
    staleIfError: seconds('staleIfError', options.staleIfError) ?? 0,
    allowStaleWithSMaxAge: options.allowStaleWithSMaxAge ?? false,
    storeSetCookie: options.storeSetCookie ?? false,
    requestDirectives: options.requestDirectives ?? false,
    heuristic,
    statuses,
    vary,
    ...(targetedFields === undefined ? {} : { targetedFields }),
  })
}

function slidingOf({ sliding = false, expiration, maxAge }: Partial<ResponseCacheOptions>): Plan['sliding'] {
  const maxAgeMs = span('maxAge', maxAge) ?? null
  const ttlMs = span('expiration', expiration)
  if (!boolean('sliding', sliding)) return undefined
  if (ttlMs === undefined) throw new InvalidOptionError('Expected an expiration to slide by.')
  return { ttlMs, lifeMs: boundedSpan(ttlMs * (1 + DEFAULT_SLACK), now()), maxAgeMs }
}

function cacheFunction(cache: ResponseCacheOptions['cache'] | undefined): (c: Context) => Cache {
  if (typeof cache === 'function') return cache
  if (typeof cache === 'object' && cache !== null) {
    responseStoreOf(cache)
    return () => cache
  }
  throw new InvalidOptionError(
    `Expected cache to be a cache, or a function of the context, got ${describeType(cache)}.`,
  )
}

function validatableMs(given: ResponseCacheOptions['keepForRevalidation']): number {
  return given === false ? 0 : (span('keepForRevalidation', given) ?? DEFAULT_VALIDATABLE_MS)
}

function checkedName(name: unknown): string | undefined {
  if (name === false) return undefined
  if (typeof name === 'string' && name !== '') return name
  throw new InvalidOptionError(`Expected cacheStatus to be a name or false, got ${describeType(name)}.`)
}

function span(name: string, value: unknown): number | undefined {
  return value === undefined ? undefined : parsePeriod(value, name, now())
}

function seconds(name: string, value: unknown): number | undefined {
  const ms = span(name, value)
  return ms === undefined ? undefined : ms / MS_PER_SECOND
}

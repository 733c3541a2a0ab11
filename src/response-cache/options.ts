/** The options of the response cache, checked once when it is created. */
import type { Cache } from '../cache.ts'
import { createPolicy, type HeuristicOptions, type Policy, type QueryRule } from '../http/index.ts'
import { responseStoreOf } from '../postgres/responses/response-store.ts'
import { checkedQuery } from '../response-cache/query-rule.ts'
import { now } from '../values/clock.ts'
import { DEFAULT_SLACK } from '../values/defaults.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { boundedSpan, type Expiration, parsePeriod } from '../values/expiration.ts'
import { boolean, optionalFunction, optionsObject, wholeNumber } from '../values/options.ts'
import type { HandlerCall } from './handler-call.ts'
import { type PathPattern, pathMatcher } from './paths.ts'
import { keyUrl, type RequestKey, requestKey } from './request-key.ts'

/**
 * Options of the response cache.
 *
 * @typeParam C the argument of the functions in the options: the framework's view of a request
 */
export interface ResponseCacheOptions<C> {
  /** The cache that stores the responses: one from `createCache`, or a function that returns it for a request. */
  cache: Cache | ((context: C) => Cache)
  /**
   * The freshness lifetime of cacheable responses without an explicit one, a positive span. An explicit lifetime always
   * wins. Default: a response without an explicit lifetime is stale at once (RFC 9111).
   */
  expiration?: Expiration | undefined
  /**
   * Whether hits extend the deadline of responses without an explicit lifetime. Most hits need no write. Default false.
   */
  sliding?: boolean | undefined
  /** With `sliding`: the total lifetime of a response, however often it is hit; a positive span. Default: no limit. */
  maxAge?: Expiration | undefined
  /** stale-while-revalidate for responses that do not name it; a positive span, default none. */
  stale?: Expiration | undefined
  /**
   * stale-if-error for responses that do not name it; a positive span, default none. A thrown error counts too, except
   * an HTTPException with a status below 500.
   */
  staleIfError?: Expiration | undefined
  /**
   * Whether a response with s-maxage may be served stale if it also names stale-while-revalidate or stale-if-error.
   * Many CDNs allow this. In RFC 9111, s-maxage implies proxy-revalidate, which forbids it. Default false.
   */
  allowStaleWithSMaxAge?: boolean | undefined
  /**
   * The names of request fields that every response varies on, in addition to its own Vary (RFC 9110 12.5.5). Default:
   * none.
   */
  vary?: readonly string[] | undefined
  /** The query parameters that are part of the key; default all, in their order. The handler still sees all of them. */
  query?: QueryRule | undefined
  /**
   * Returns a text that separates responses: requests with different texts never share a response. The text is stored
   * as a hash. May instead return a URL that replaces the request's URL, so that equivalent requests share a response.
   * Purges use that URL. Default: the request's URL is the key.
   */
  key?: ((context: C) => string | URL | undefined) | undefined
  /**
   * Paths that bypass the cache: `/admin`, `/users/:id`, `/api/*`, or regular expressions. They bypass it even if
   * `include` lists them. Default: none.
   */
  exclude?: readonly PathPattern[] | undefined
  /** The only paths that are cached. Default: all. */
  include?: readonly PathPattern[] | undefined
  /**
   * How to cache responses to requests with Authorization. `'rfc'`, the default, shares them if RFC 9111 3.5 allows it.
   * `'never'` caches none. A function that returns the user's name caches them per user.
   *
   * The function is called for every request, so it may read a cookie. It must depend only on the request and on
   * middleware in front of the cache. It is called again after the handler. If the names differ, the response is not
   * stored.
   *
   * undefined or null means an anonymous request. Anonymous requests share responses, but with Authorization they are
   * not cached. A request with an empty name is not cached either. Anything else that is not a name, such as NaN, an
   * object or a promise, throws an InvalidOptionError.
   */
  authenticated?: 'rfc' | 'never' | ((context: C) => string | number | null | undefined) | undefined
  /**
   * Whether to store responses with Set-Cookie. Every client then gets the same cookie. RFC 9111 allows it; default
   * false.
   */
  storeSetCookie?: boolean | undefined
  /**
   * Whether the response to a POST is stored as the response to GET of its URL (RFC 9110 9.3.3, RFC 9111 4). It must be
   * a 200 that names this URL in Content-Location, has an explicit lifetime, and varies on nothing. Default false.
   *
   * Every POST then claims the lease of its URL before the handler runs. This costs one round trip, and one more after
   * the response. A GET that finds nothing stored waits for the POST, at most `lease`. So the handler of the POST must
   * not fetch its own URL. If the handler purges the URL, or invalidates a tag of the response, the response is not
   * stored.
   */
  storePost?: boolean | undefined
  /**
   * Returns a response's tags, in addition to those of its Cache-Tag and Cache-Groups fields. Default: only the tags of
   * these fields.
   */
  tags?: ((context: C, response: Response) => Iterable<string>) | undefined
  /**
   * The longest body to store, in bytes. A longer one reaches the client but is not stored. Default 8 MiB, at most 32
   * MiB.
   */
  maxBodyBytes?: number | undefined
  /**
   * The most variants of one URL. Beyond it, the variants that expire soonest are evicted. Default 100, at most
   * 1,000,000.
   */
  maxVariants?: number | undefined
  /**
   * How long to keep a stale response with an ETag or Last-Modified, so that the handler can validate it with a 304. A
   * positive span, or false to keep it only while it may be served stale. Varnish calls this `keep`. Default 1 day.
   */
  keepForRevalidation?: Expiration | false | undefined
  /** The only statuses to store; default all that RFC 9111 allows. */
  statuses?: readonly number[] | undefined
  /** Estimates a lifetime from Last-Modified (heuristic freshness, RFC 9111 4.2.2); default false. */
  heuristic?: boolean | HeuristicOptions | undefined
  /**
   * Whether to obey the client's Cache-Control. Default false, because any client could then force work on the handler.
   * no-store is always obeyed.
   */
  requestDirectives?: boolean | undefined
  /**
   * Fields that this cache obeys instead of Cache-Control, the most specific first (RFC 9213); default
   * `['cdn-cache-control']`.
   */
  targetedFields?: readonly string[] | undefined
  /** This cache's name in the Cache-Status field (RFC 9211), or false for no such field; default `'pgstash'`. */
  cacheStatus?: string | false | undefined
  /** How long other requests wait for the request that runs the handler; a positive span, default 10 s. */
  lease?: Expiration | undefined
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
  'storePost',
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
] as const satisfies readonly (keyof ResponseCacheOptions<unknown>)[]

const DEFAULT_MAX_BODY_BYTES = 8 * 1024 * 1024
/** Neon accepts requests of up to 64 MB, and a body is sent in base64 and escaped. */
const LARGEST_BODY_BYTES = 32 * 1024 * 1024
const DEFAULT_MAX_VARIANTS = 100
/** Far more variants than the statement can evict. It takes the limit as a 32-bit integer. */
const MOST_VARIANTS = 1_000_000
const DEFAULT_LEASE_MS = 10_000
const DEFAULT_VALIDATABLE_MS = 86_400_000
const MS_PER_SECOND = 1_000

/** The checked options, with every default filled in. */
export interface ResponseCacheSettings {
  readonly policy: Policy
  readonly cacheOf: (context: unknown) => Cache
  readonly includesPath: (path: string) => boolean
  readonly sliding: { readonly ttlMs: number; readonly lifeMs: number; readonly maxAgeMs: number | null } | undefined
  readonly query: QueryRule | undefined
  /** Returns the request's key, or undefined if the request must not be cached. */
  readonly keyOf: (call: Pick<HandlerCall, 'request' | 'context'>) => RequestKey | undefined
  /** Returns the URL of the request's key, even if the request itself must not be cached. */
  readonly keyUrlOf: (call: Pick<HandlerCall, 'request' | 'context'>) => URL
  /** Whether an option contributes to the key, so that the key may change while the handler runs. */
  readonly hasKeyOption: boolean
  readonly tagsOf: ResponseCacheOptions<unknown>['tags']
  readonly maxBodyBytes: number
  readonly maxVariants: number
  readonly storesPost: boolean
  readonly validatableMs: number
  readonly cacheStatusName: string | undefined
  readonly leaseMs: number
}

/**
 * Checks the options and fills in the defaults.
 *
 * @param ofAdapter the names of further options, which the adapter reads itself
 * @throws InvalidOptionError, InvalidExpirationError
 */
export function parseOptions(
  given: ResponseCacheOptions<never>,
  ofAdapter: readonly string[] = [],
): ResponseCacheSettings {
  if (given === undefined) throw new InvalidOptionError('Expected options such as { cache }, got undefined.')
  // Drop the type of the functions' argument here, because each adapter passes the argument that its options declare.
  const options = optionsObject(given as ResponseCacheOptions<unknown>, [
    ...KNOWN_OPTIONS,
    ...(ofAdapter as typeof KNOWN_OPTIONS),
  ])
  const { cache, key, tags, cacheStatus = 'pgstash', authenticated = 'rfc' } = options
  for (const [name, value] of Object.entries({ key, tags })) optionalFunction(name, value)
  const { maxBodyBytes = DEFAULT_MAX_BODY_BYTES, maxVariants = DEFAULT_MAX_VARIANTS } = options
  const includes = pathMatcher('include', options.include)
  const excludes = pathMatcher('exclude', options.exclude)
  return {
    policy: policyOf(options),
    cacheOf: cacheFunction(cache),
    includesPath: (path) => (options.include === undefined || includes(path)) && !excludes(path),
    sliding: slidingOf(options),
    query: checkedQuery(options.query),
    keyOf: (call) => requestKey(call, { key, authenticated }),
    keyUrlOf: (call) => keyUrl(call, key),
    hasKeyOption: key !== undefined || typeof authenticated === 'function',
    tagsOf: tags,
    maxBodyBytes: wholeNumber('maxBodyBytes', maxBodyBytes, 0, LARGEST_BODY_BYTES),
    maxVariants: wholeNumber('maxVariants', maxVariants, 1, MOST_VARIANTS),
    storesPost: boolean('storePost', options.storePost ?? false),
    validatableMs: validatableMs(options.keepForRevalidation),
    cacheStatusName: checkedCacheName(cacheStatus),
    leaseMs: span('lease', options.lease) ?? DEFAULT_LEASE_MS,
  }
}

function policyOf(options: Partial<ResponseCacheOptions<unknown>>): Policy {
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

function slidingOf({
  sliding = false,
  expiration,
  maxAge,
}: Partial<ResponseCacheOptions<unknown>>): ResponseCacheSettings['sliding'] {
  const maxAgeMs = span('maxAge', maxAge) ?? null
  const ttlMs = span('expiration', expiration)
  if (!boolean('sliding', sliding)) return undefined
  if (ttlMs === undefined) throw new InvalidOptionError('`sliding: true` needs an `expiration`.')
  return { ttlMs, lifeMs: boundedSpan(ttlMs * (1 + DEFAULT_SLACK), now()), maxAgeMs }
}

function cacheFunction(cache: ResponseCacheOptions<unknown>['cache'] | undefined): (context: unknown) => Cache {
  if (typeof cache === 'function') return cache
  if (typeof cache === 'object' && cache !== null) {
    responseStoreOf(cache)
    return () => cache
  }
  throw new InvalidOptionError(
    `Expected cache to be a cache, or a function that returns one, got ${describeType(cache)}.`,
  )
}

function validatableMs(given: ResponseCacheOptions<unknown>['keepForRevalidation']): number {
  return given === false ? 0 : (span('keepForRevalidation', given) ?? DEFAULT_VALIDATABLE_MS)
}

function checkedCacheName(name: unknown): string | undefined {
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

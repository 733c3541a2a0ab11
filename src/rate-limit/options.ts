/** The options of `rateLimit`, checked once when the limit is created. */
import { MAX_LIMIT, parseLimitShape } from '../cache/limit-input.ts'
import type { Cache, LimitAlgorithm, LimitResult } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import type { Expiration } from '../values/expiration.ts'
import { boolean, optionalFunction, optionsObject, wholeNumber } from '../values/options.ts'
import { MAX_TIMER_MS, milliseconds, type TimeSpan } from '../values/time-span.ts'
import { checkedName } from './counter-key.ts'

/** Users wait this long for a page without leaving, and a suspended database wakes up well within this time. */
const DEFAULT_TIMEOUT_MS = 2_000
const MS_PER_SECOND = 1_000

/**
 * Options of `rateLimit`.
 *
 * @typeParam A the arguments of the handler, which the functions among the options get as well
 */
export interface RateLimitOptions<A extends readonly unknown[]> {
  /** The cache that counts, or a function that returns it. */
  cache: Cache | ((...args: A) => Cache)
  /**
   * The requests allowed per window, or the size of the bucket: 0 or more. Pass a function for a limit that depends on
   * the client.
   */
  limit: number | ((...args: A) => number | Promise<number>)
  /** The length of a window, or the time between two refills of a bucket: a positive span. */
  period: Expiration
  /**
   * How requests are counted, see `LimitRule`; default `'fixed-window'`, which starts with the first request that it
   * counts.
   */
  algorithm?: LimitAlgorithm | undefined
  /**
   * The requests that become free again after each period: a whole number from 1 to `limit`. Required for `algorithm:
   * 'token-bucket'`, and refused for all others.
   */
  refill?: number | undefined
  /**
   * How many requests a request counts as, 0 or more. Pass a function for a cost that depends on the request. Default
   * 1.
   */
  cost?: number | ((...args: A) => number | Promise<number>) | undefined
  /**
   * True to remember a refusal in this process. Until the client could succeed, it is refused without a request to the
   * database. Until then this process does not see a reset by another process. Default false.
   */
  blockList?: boolean | undefined
  /**
   * Returns the key of the client that a request counts for. There is no default: which header carries an unforgeable
   * address depends on the proxy in front of your program. For addresses, use `addressKey`.
   */
  key: (...args: A) => string | Promise<string>
  /** Returns true for requests that are neither counted nor refused; default: none. */
  skip?: ((...args: A) => boolean | Promise<boolean>) | undefined
  /**
   * The limit's name in the keys of its counters and in header fields: letters, digits, hyphens, underscores and dots.
   * Limits with the same name share their counters. The default contains limit, period and algorithm, as in
   * `100-per-60s`, so that different limits never share.
   */
  name?: string | undefined
  /**
   * The IETF draft that `RateLimit-Policy` and `RateLimit` follow, or `false` for no such fields. Default `'draft-11'`.
   */
  headers?: 'draft-11' | false | undefined
  /**
   * Returns the response to a refused request; default: 429 with problem details (RFC 9457). `Retry-After` is added if
   * it is missing.
   */
  onLimit?: ((result: LimitResult, ...args: A) => Response | Promise<Response>) | undefined
  /**
   * True to let a request pass uncounted if the database fails or takes too long. Default true. With `false`, the error
   * is thrown. Programming errors, such as a key that is not a string, are always thrown.
   */
  failOpen?: boolean | undefined
  /**
   * Called when a request passes uncounted. Default `console.error`, because a limit that is off must not go unnoticed.
   */
  onError?: ((error: unknown, ...args: A) => unknown) | undefined
  /**
   * The longest that a request waits to be counted. A plain number is milliseconds; default 2,000. The cache's own
   * timeout applies as well.
   */
  timeout?: TimeSpan | undefined
}

const KNOWN_OPTIONS = [
  'cache',
  'limit',
  'period',
  'algorithm',
  'refill',
  'cost',
  'blockList',
  'key',
  'skip',
  'name',
  'headers',
  'onLimit',
  'failOpen',
  'onError',
  'timeout',
] as const satisfies readonly (keyof RateLimitOptions<[]>)[]

/** The checked options, with every default filled in. */
export interface RateLimitSettings<A extends readonly unknown[]> {
  cacheOf(...args: A): Cache
  limitOf(...args: A): number | Promise<number>
  keyOf(...args: A): string | Promise<string>
  costOf(...args: A): number | Promise<number>
  readonly algorithm: LimitAlgorithm
  /** Undefined unless the algorithm is a token bucket. */
  readonly refill: number | undefined
  readonly periodMs: number
  readonly isBlockListed: boolean
  readonly name: string
  readonly hasFields: boolean
  readonly failOpen: boolean
  readonly timeoutMs: number
  readonly skip: RateLimitOptions<A>['skip']
  readonly onLimit: RateLimitOptions<A>['onLimit']
  readonly onError: NonNullable<RateLimitOptions<A>['onError']>
}

/** @throws InvalidOptionError, InvalidExpirationError */
export function parseRateLimitOptions<A extends readonly unknown[]>(
  options: RateLimitOptions<A>,
): RateLimitSettings<A> {
  const {
    cache,
    limit,
    period,
    algorithm,
    refill,
    cost = 1,
    blockList = false,
    key,
    skip,
    name,
    headers = 'draft-11',
    onLimit,
    failOpen = true,
    onError,
    timeout = DEFAULT_TIMEOUT_MS,
  } = optionsObject<RateLimitOptions<A>>(options, KNOWN_OPTIONS)
  for (const [option, value] of Object.entries({ skip, onLimit, onError })) optionalFunction(option, value)
  if (typeof key !== 'function')
    throw new InvalidOptionError(`Expected key to be a function, got ${describeType(key)}.`)
  if (headers !== 'draft-11' && headers !== false) {
    throw new InvalidOptionError(`Expected headers to be 'draft-11' or false, got ${describeType(headers)}.`)
  }
  const fixed = typeof limit === 'function' ? undefined : wholeNumber('limit', limit, 0, MAX_LIMIT)
  const shape = parseLimitShape({ algorithm, refill, period }, fixed)
  const { periodMs } = shape
  const tokens = shape.algorithm === 'token-bucket' ? shape.refill : undefined
  const fixedCost = typeof cost === 'function' ? 0 : wholeNumber('cost', cost, 0, MAX_LIMIT)
  return {
    cacheOf: cacheFrom(cache),
    limitOf: typeof limit === 'function' ? limit : () => fixed ?? 0,
    keyOf: key,
    costOf: typeof cost === 'function' ? cost : () => fixedCost,
    algorithm: shape.algorithm,
    refill: tokens,
    periodMs,
    isBlockListed: boolean('blockList', blockList),
    name: name === undefined ? defaultName(fixed, periodMs, shape.algorithm, tokens) : checkedName(name),
    hasFields: headers !== false,
    failOpen: boolean('failOpen', failOpen),
    timeoutMs: milliseconds('timeout', timeout, {
      numbers: 'milliseconds',
      min: 1,
      max: MAX_TIMER_MS,
    }),
    skip,
    onLimit,
    onError: onError ?? logError,
  }
}

function logError(error: unknown, ..._args: readonly unknown[]): void {
  console.error(error)
}

function cacheFrom<A extends readonly unknown[]>(
  cache: RateLimitOptions<A>['cache'] | undefined,
): RateLimitSettings<A>['cacheOf'] {
  if (typeof cache === 'function') return (...args) => checkedCache(cache(...args))
  const checked = checkedCache(cache)
  return () => checked
}

function checkedCache(cache: Cache | undefined): Cache {
  if (typeof cache?.limit === 'function') return cache
  throw new InvalidOptionError(`Expected a cache, or a function that returns one, got ${describeType(cache)}.`)
}

function defaultName(
  limit: number | undefined,
  periodMs: number,
  algorithm: LimitAlgorithm,
  refill: number | undefined,
): string {
  const period = `${refill === undefined ? '' : `refill-${refill}-`}per-${periodMs / MS_PER_SECOND}s`
  const sized = limit === undefined ? period : `${limit}-${period}`
  return algorithm === 'sliding-window' ? `${sized}-sliding` : sized
}

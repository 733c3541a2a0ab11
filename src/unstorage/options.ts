/** Checks the options of the driver, and computes the expiration of a write. */
import { checkedOnError } from '../cache/build-cache.ts'
import { checkedCache } from '../cache/checked-cache.ts'
import { checkedTimeout } from '../cache/settings.ts'
import type { Cache } from '../cache.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type Expiration, parsePeriod } from '../values/expiration.ts'
import { nestedScope, ROOT } from '../values/key.ts'
import type { TimeSpan } from '../values/time-span.ts'

const DEFAULT_NAMESPACE = 'unstorage'

/**
 * Long enough for entries that Nitro may still serve stale, and short enough that unused entries are removed. Nitro
 * passes no lifetime for `swr`.
 */
const DEFAULT_TTL = '30d'

/** Options of `unstorageDriver`. */
export interface UnstorageDriverOptions {
  /** The cache that keeps the items. Default: the driver creates one for `url`. */
  cache?: Cache | undefined
  /**
   * The connection string. Only without `cache`. Default: on the first call, `createCache.fromEnv` finds it in the
   * environment, for example in `DATABASE_URL`.
   *
   * Nitro writes options into its build output. So omit this, unless that output may contain the password.
   */
  url?: string | undefined
  /**
   * The namespace of the items, nested in the cache's own. Default `unstorage`. Storages with the same namespace share
   * their items, so give each mount its own.
   */
  namespace?: string | undefined
  /** A prefix of all keys, as in other drivers. Default: none. */
  base?: string | undefined
  /**
   * How long an item is kept if the call passes no `ttl`. A plain number is seconds; 0 or null means forever. Default
   * `'30d'`.
   *
   * Make it longer than the longest `maxAge` plus `staleMaxAge` of Nitro's `swr` routes, because Nitro passes no
   * lifetime for them.
   */
  ttl?: TimeSpan | null | undefined
  /** The limit for one database call. Only without `cache`. A plain number is milliseconds; default 5,000. */
  timeout?: TimeSpan | undefined
  /**
   * Only without `cache`. Default `'miss'`: if the database is unreachable, reads return null and writes are dropped.
   * With `'throw'`, both reject. Use `'throw'` for data that is more than a cache.
   */
  onError?: 'throw' | 'miss' | undefined
}

/** The options of one call. unstorage passes other options too. */
export interface CallOptions {
  readonly ttl?: unknown
}

export interface Settings {
  readonly cache: Cache | undefined
  readonly url: string | undefined
  readonly namespace: string
  /** Either empty, or ends in a colon. */
  readonly base: string
  readonly expiration: Expiration
  /** For a cache that the driver creates. */
  readonly engine: { readonly timeout: number; readonly onError: 'throw' | 'miss' }
}

/**
 * Checks the options. Ignores unknown names, because Nitro adds its own.
 *
 * @throws InvalidOptionError, InvalidExpirationError, InvalidKeyError
 */
export function parseOptions(options: UnstorageDriverOptions | undefined): Settings {
  if (options !== undefined && (typeof options !== 'object' || options === null)) {
    throw new InvalidOptionError(
      `Expected the options to be an object such as { cache } or { url }, got ${describeType(options)}.`,
    )
  }
  const { cache, namespace = DEFAULT_NAMESPACE, ttl = DEFAULT_TTL, timeout, onError = 'miss' } = options ?? {}
  const url = text('url', options?.url)
  if (cache !== undefined) {
    checkedCache(cache, 'cache')
    if (url !== '') throw new InvalidOptionError('Expected either cache or url, got both.')
  }
  // Check the name here, because otherwise it would fail only on the first call, which creates the cache.
  nestedScope(ROOT, namespace)
  return {
    cache,
    url: url === '' ? undefined : url,
    namespace,
    base: baseOf(text('base', options?.base)),
    expiration: ttl === null || ttl === 0 ? null : { milliseconds: parsePeriod(ttl, 'ttl', now()) },
    engine: { timeout: checkedTimeout(timeout), onError: checkedOnError(onError) },
  }
}

/** Treats a missing value as an empty string, because an unset variable is often an empty string in a configuration. */
function text(name: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw new InvalidOptionError(`Expected ${name} to be a string, got ${describeType(value)}.`)
}

/** Converts a base to a prefix of keys. The final colon separates `users:` from `users2:`. */
export function baseOf(base: string | undefined): string {
  const name = (base ?? '').replace(/[/\\:]+/g, ':').replace(/^:|:$/g, '')
  return name === '' ? '' : `${name}:`
}

/**
 * Returns the expiration of a write. unstorage drivers treat a `ttl` of 0 as missing, so 0 means the driver's own here.
 *
 * The cache checks all other values before it sends anything.
 */
export function expirationOf(options: CallOptions | undefined, ownExpiration: Expiration): Expiration {
  const ttl = Object(options).ttl as Expiration | undefined
  if (ttl === undefined || ttl === 0) return ownExpiration
  return ttl === Number.POSITIVE_INFINITY ? null : ttl
}

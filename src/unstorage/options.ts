/** The options of the driver, and the expiration of a write. */
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
 * Long enough for what Nitro may still serve as stale, and short enough that entries which nobody asks for again go away.
 * Nitro names no lifetime with `swr`.
 */
const DEFAULT_TTL = '30d'

export interface UnstorageDriverOptions {
  /** The cache to keep items in. Default: the driver opens one for `url`. */
  cache?: Cache | undefined
  /**
   * The connection string. Only without `cache`. Default: the one that `createCache.fromEnv` finds in the environment, such as
   * that of `DATABASE_URL`, at the first call.
   *
   * Nitro writes options into its build output. So leave this out, unless that output may hold the password.
   */
  url?: string | undefined
  /**
   * The namespace of the items, nested in the cache's own. Default `unstorage`. Storages with the same namespace share their
   * items, so give each mount its own.
   */
  namespace?: string | undefined
  /** A prefix of all keys, as other drivers have it. Default: none. */
  base?: string | undefined
  /**
   * How long an item is kept if the call names no `ttl`. A plain number is seconds; 0 or null means for ever. Default `'30d'`.
   *
   * Make it longer than the longest `maxAge` plus `staleMaxAge` of Nitro's `swr` routes: Nitro names no lifetime for those.
   */
  ttl?: TimeSpan | null | undefined
  /** The limit for one database call. Only without `cache`. A plain number is milliseconds; default 5,000. */
  timeout?: TimeSpan | undefined
  /**
   * Only without `cache`. Default `'miss'`: if the database is unreachable, reads answer null and writes are dropped. With
   * `'throw'` both reject. Choose that for data that is more than a cache.
   */
  onError?: 'throw' | 'miss' | undefined
}

/** The options of one call. unstorage passes others on as well. */
export interface CallOptions {
  readonly ttl?: unknown
}

export interface Settings {
  readonly cache: Cache | undefined
  readonly url: string | undefined
  readonly namespace: string
  /** Empty, or with a colon at its end. */
  readonly base: string
  readonly expiration: Expiration
  /** For a cache that the driver opens. */
  readonly engine: { readonly timeout: number; readonly onError: 'throw' | 'miss' }
}

/**
 * Checks the options. Names that it does not know are ignored, because Nitro passes its own.
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
  // An invalid name must fail here and not at the first call, when the cache is opened.
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

/** A variable that is not set is often an empty string in a configuration. */
function text(name: string, value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  throw new InvalidOptionError(`Expected ${name} to be a string, got ${describeType(value)}.`)
}

/** A base as a prefix of keys. The colon at its end keeps `users2:` apart from `users:`. */
export function baseOf(base: string | undefined): string {
  const name = (base ?? '').replace(/[/\\:]+/g, ':').replace(/^:|:$/g, '')
  return name === '' ? '' : `${name}:`
}

/**
 * The expiration of a write. Drivers of unstorage take a `ttl` of 0 as none given, so it means the driver's own here.
 *
 * The cache checks all other values before any request.
 */
export function expirationOf(options: CallOptions | undefined, ownExpiration: Expiration): Expiration {
  const ttl = Object(options).ttl as Expiration | undefined
  if (ttl === undefined || ttl === 0) return ownExpiration
  return ttl === Number.POSITIVE_INFINITY ? null : ttl
}

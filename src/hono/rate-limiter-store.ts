/** A `Store` for the package hono-rate-limiter, which counts in the memory of each isolate unless it is given one. */
import type { Cache } from '../cache.ts'
import { wallClock } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { parsePeriod } from '../values/expiration.ts'
import { optionsObject } from '../values/options.ts'
import { countableKey } from './rate-limit-key.ts'

const DEFAULT_PREFIX = 'hono-rate-limiter'
/** The package compares by itself, so what is counted must not stop at a limit. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER - 1
const MS_PER_SECOND = 1_000

export interface RateLimiterStoreOptions {
  /** Of the counters: the namespace, within the cache's own, that they are in. Limiters of one prefix count together. Default `hono-rate-limiter`. */
  prefix?: string | undefined
}

/** As hono-rate-limiter 0.5 wants it, by structure, so that the package is needed only where it is used. */
export interface RateLimiterStore {
  init(options: { windowMs: number }): void
  get(key: string): Promise<{ totalHits: number; resetTime: Date } | undefined>
  increment(key: string): Promise<{ totalHits: number; resetTime: Date }>
  decrement(key: string): Promise<void>
  resetKey(key: string): Promise<void>
  resetAll(): Promise<void>
  readonly localKeys: false
  readonly prefix: string
}

/**
 * A `Store` for `rateLimiter` of hono-rate-limiter: one count for all isolates, in fixed windows.
 *
 * Each method is one round trip. Only `get`, which the package itself never calls, sends two at once, and `resetAll` takes
 * one for each 5,000 counters.
 *
 * A failing database fails the request, because the package offers nothing else. This library's `rateLimit` can let the
 * request pass.
 *
 * Give every limiter a store of its own, and a prefix.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * app.use(rateLimiter({ windowMs: 60_000, limit: 100, keyGenerator, store: rateLimiterStore(cache, { prefix: 'api' }) }))
 */
export function rateLimiterStore(cache: Cache, options?: RateLimiterStoreOptions): RateLimiterStore {
  if (typeof cache?.limit !== 'function' || typeof cache.namespace !== 'function') {
    throw new InvalidOptionError(`Expected a cache, got ${describeType(cache)}.`)
  }
  const { prefix = DEFAULT_PREFIX } = optionsObject<RateLimiterStoreOptions>(options, ['prefix'])
  const counters = cache.namespace(prefix)
  let windowMs: number | undefined

  return {
    localKeys: false,
    prefix,
    init(given) {
      const ms = parsePeriod(Number(given.windowMs) / MS_PER_SECOND, 'windowMs', wallClock())
      if (windowMs !== undefined && windowMs !== ms) {
        throw new InvalidOptionError('Expected a store for each rate limiter, got one for two with different windows.')
      }
      windowMs = ms
    },
    async increment(key) {
      if (windowMs === undefined) throw new InvalidOptionError('Expected init to be called before increment.')
      const rule = { limit: NO_LIMIT, period: { milliseconds: windowMs } }
      const { count, resetMs } = await counters.limit(counterKey(key), rule)
      // The package subtracts this process's clock, so that is the clock to tell the time by.
      return { totalHits: count, resetTime: new Date(wallClock() + resetMs) }
    },
    async get(key) {
      const [hits, resetTime] = await Promise.all([
        counters.get<number>(counterKey(key)),
        counters.expiration(counterKey(key)),
      ])
      if (typeof hits !== 'number' || !resetTime) return undefined
      return { totalHits: Math.max(0, hits), resetTime }
    },
    async decrement(key) {
      // A window that has ended meanwhile must not begin anew with -1, and for ever: what would be new is over at once. One
      // that falls below zero (its own count was the old window's) reads as 0, and the next call counts from there.
      await counters.decrement(counterKey(key), 1, { expiration: 0 })
    },
    async resetKey(key) {
      await counters.delete(counterKey(key))
    },
    async resetAll() {
      await counters.clear()
    },
  }
}

// With a beginning, because a missing header often ends as an empty key, and a cache's key cannot be empty.
function counterKey(key: string): string {
  return `client:${countableKey(key)}`
}

/** A `Store` for the package hono-rate-limiter, whose default store counts in each isolate's memory. */
import type { Cache } from '../cache.ts'
import { countableKey } from '../rate-limit/counter-key.ts'
import { wallClock } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { parsePeriod } from '../values/expiration.ts'
import { optionsObject } from '../values/options.ts'

const DEFAULT_PREFIX = 'hono-rate-limiter'
/** The package compares the count with its own limit, so the counter must not have a limit. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER - 1
const MS_PER_SECOND = 1_000

/** Options of {@link rateLimiterStore}. */
export interface RateLimiterStoreOptions {
  /**
   * The namespace of the counters, nested in the cache's own. Limiters with the same prefix count together. Default
   * `hono-rate-limiter`.
   */
  prefix?: string | undefined
}

/** The `Store` of hono-rate-limiter 0.5, declared here so that pgstash does not depend on that package. */
export interface RateLimiterStore {
  /**
   * Sets the length of the window, in milliseconds. The package calls it once for each limiter.
   *
   * @throws InvalidOptionError if another limiter with a different window uses the store
   */
  init(options: { windowMs: number }): void
  /** Returns the count of a client and the end of its window, or undefined if no window is open. */
  get(key: string): Promise<{ totalHits: number; resetTime: Date } | undefined>
  /** Counts a request, and returns the count and the end of the window, by this process's clock. */
  increment(key: string): Promise<{ totalHits: number; resetTime: Date }>
  /** Takes a request back. */
  decrement(key: string): Promise<void>
  /** Deletes the counter of a client. */
  resetKey(key: string): Promise<void>
  /** Deletes the counters of all clients, in every limiter with the same prefix. */
  resetAll(): Promise<void>
  /** False tells the package that other processes share the counters. */
  readonly localKeys: false
  /** The namespace of the counters, from the options. */
  readonly prefix: string
}

/**
 * Creates a `Store` for hono-rate-limiter's `rateLimiter`. It counts for all isolates together, in fixed windows.
 *
 * Each method costs one round trip, with two exceptions. `get`, which the package itself never calls, sends two
 * statements at the same time. `resetAll` sends one per 5,000 counters.
 *
 * If the database fails, the request fails, because the package offers no alternative. pgstash's own `rateLimit` can
 * let the request pass instead.
 *
 * Give every limiter its own store and prefix.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * const store = rateLimiterStore(cache, { prefix: 'api' })
 * app.use(rateLimiter({ windowMs: 60_000, limit: 100, keyGenerator, store }))
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
        throw new InvalidOptionError('Expected one store per rate limiter, got two limiters with different windows.')
      }
      windowMs = ms
    },
    async increment(key) {
      if (windowMs === undefined) {
        throw new InvalidOptionError('Expected init before increment. Pass the store to rateLimiter, which calls init.')
      }
      const rule = { limit: NO_LIMIT, period: { milliseconds: windowMs } }
      const { count, resetMs } = await counters.limit(counterKey(key), rule)
      // The package subtracts this process's clock from the time, so the time must come from the same clock.
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
      // If the window has ended in the meantime, expiration 0 ends the new counter at once. Otherwise it would start at
      // -1 and never expire. A live counter can fall below zero if the decremented request was counted in the old
      // window. `get` reads it as 0.
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

// Adds a prefix, because a cache key cannot be empty, and a missing header often becomes an empty key.
function counterKey(key: string): string {
  return `client:${countableKey(key)}`
}

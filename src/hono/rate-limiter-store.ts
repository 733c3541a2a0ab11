/** A `Store` for the package hono-rate-limiter, which otherwise counts in the memory of each isolate. */
import type { Cache } from '../cache.ts'
import { countableKey } from '../rate-limit/counter-key.ts'
import { wallClock } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { parsePeriod } from '../values/expiration.ts'
import { optionsObject } from '../values/options.ts'

const DEFAULT_PREFIX = 'hono-rate-limiter'
/** The package compares the count with its own limit, so the counter must not stop at one. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER - 1
const MS_PER_SECOND = 1_000

export interface RateLimiterStoreOptions {
  /** The namespace of the counters, nested in the cache's own. Limiters with one prefix count together. Default `hono-rate-limiter`. */
  prefix?: string | undefined
}

/** The `Store` of hono-rate-limiter 0.5, typed by structure, so that the package is not a dependency of this one. */
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
 * Creates a `Store` for `rateLimiter` of hono-rate-limiter: one count for all isolates, in fixed windows.
 *
 * Each method costs one round trip, with two exceptions. `get`, which the package itself never calls, sends two requests at
 * once. `resetAll` sends one per 5,000 counters.
 *
 * A failing database fails the request, because the package offers no other way. `rateLimit` of this library can let the
 * request pass instead.
 *
 * Give every limiter its own store and prefix.
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
      // The package subtracts this process's clock from the time, so the time must come from that clock.
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
      // If the window has ended meanwhile, expiration 0 ends the new counter at once. Otherwise it would start at -1 and never
      // expire. A live counter can fall below zero, if the decremented request counted in the old window. `get` reads it as 0.
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

// The prefix allows an empty key, which a missing header often becomes: a cache key cannot be empty.
function counterKey(key: string): string {
  return `client:${countableKey(key)}`
}

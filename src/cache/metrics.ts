/** `withMetrics`: a cache that knows its hit rate, whatever its store. */
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { type Counts, metered } from './metered.ts'

export interface CacheMetrics {
  /** Values that the cache had: one for each key of `getMany`, and for each row that a handle read. */
  readonly hits: number
  /** Values that it had not; with `onError: 'miss'` those too that a failing database could not give. */
  readonly misses: number
  /** `hits / (hits + misses)`; before the first read 0 and not NaN, which JSON would turn into null. */
  readonly rate: number
  /** Calls of any method that rejected; not where `getOrSet`'s own computation failed, or its `signal` aborted. */
  readonly errors: number
}

export interface Metered {
  /** The counts of this cache and of all namespaces made from it, since it was made or reset. */
  metrics(): CacheMetrics
  /** Sets all counts to 0. What is under way is counted when it ends. */
  resetMetrics(): void
}

/**
 * The same cache, with counts of its hits, misses and errors.
 *
 * `get`, `getMany`, `pull`, `getOrSet` and handles (once for each row that they read) count. Of `getOrSet`, a value that
 * this call computed is a miss, and so is a computation of its own that failed. Everything else is a hit: a stale value, one
 * that another caller computed, the old one while a refresh runs in the background. `has`, `expiration` and writes are
 * neither. Of a `responseCache` over it, each response that came from the cache is a hit, one that was made a miss, and a
 * failure of the store an error, although it fails no request.
 *
 * Costs no round trip. Each process or isolate counts for itself; for all of them together see `pgstash/telemetry`.
 *
 * @throws InvalidOptionError when it is given no cache
 * @example
 * const cache = withMetrics(createCache(db))
 * await cache.get('user:42')
 * console.log(cache.metrics()) // { hits: 0, misses: 1, rate: 0, errors: 0 }
 */
export function withMetrics(cache: Cache): Cache & Metered {
  if (typeof cache?.get !== 'function' || typeof cache.getOrSet !== 'function') {
    throw new InvalidOptionError(`Expected a cache, got ${describeType(cache)}.`)
  }
  const counts: Counts = { hits: 0, misses: 0, errors: 0 }
  return {
    ...metered(cache, counts),
    metrics() {
      const { hits, misses, errors } = counts
      return { hits, misses, rate: hits === 0 ? 0 : hits / (hits + misses), errors }
    },
    resetMetrics() {
      Object.assign(counts, { hits: 0, misses: 0, errors: 0 } satisfies Counts)
    },
  }
}

/** `withMetrics`: a cache that measures its hit rate. */
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { countAnswers } from './metered.ts'
import type { Counts } from './metered-store.ts'

/** The counts of a cache with {@link withMetrics}. */
export interface CacheMetrics {
  /** Values that were found. `getMany` counts each key, and a handle each row that it read. */
  readonly hits: number
  /** Values that were not found. With `onError: 'miss'`, a read of an unreachable database counts as a miss. */
  readonly misses: number
  /** The hit rate: `hits / (hits + misses)`. It is 0 before the first read, because JSON would turn NaN into null. */
  readonly rate: number
  /** Calls that rejected, unless the computation of `getOrSet` failed or its `signal` aborted. */
  readonly errors: number
}

/** The methods that {@link withMetrics} adds to a cache. */
export interface Metered {
  /** Returns the counts of this cache and all its namespaces, since it was created or reset. */
  metrics(): CacheMetrics
  /** Sets all counts to 0. Pending calls are counted when they end. */
  resetMetrics(): void
}

/**
 * Returns the same cache, with counts of its hits, misses and errors.
 *
 * `get`, `getMany`, `pull`, `getOrSet` and handles count. A handle counts once for each row that it reads. `has`,
 * `expiration` and writes are neither hits nor misses.
 *
 * For `getOrSet`, a value that this call computed is a miss, and so is a failed computation. Everything else is a hit:
 * a stale value, a value that another caller computed, or the old value while a refresh runs in the background.
 *
 * With a `responseCache` over the cache, a response from the cache is a hit, and a response of the handler is a miss. A
 * failure of the store is an error, although no request fails.
 *
 * Counting costs no round trip. Each process or isolate counts for itself. `pgstash/telemetry` counts across processes.
 *
 * @throws InvalidOptionError if the argument is not a cache
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
    ...countAnswers(cache, counts),
    metrics() {
      const { hits, misses, errors } = counts
      return { hits, misses, rate: hits === 0 ? 0 : hits / (hits + misses), errors }
    },
    resetMetrics() {
      Object.assign(counts, { hits: 0, misses: 0, errors: 0 } satisfies Counts)
    },
  }
}

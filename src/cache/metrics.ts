/** `withMetrics`: a cache that knows its hit rate. */
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { metered } from './metered.ts'
import type { Counts } from './metered-store.ts'

export interface CacheMetrics {
  /** Values that were found: one for each key of `getMany`, and for each row that a handle read. */
  readonly hits: number
  /** Values that were not found. With `onError: 'miss'`, reads of an unreachable database count as misses. */
  readonly misses: number
  /** `hits / (hits + misses)`. Before the first read it is 0, because JSON would turn NaN into null. */
  readonly rate: number
  /** Calls that rejected, except if the computation of `getOrSet` failed or its `signal` aborted. */
  readonly errors: number
}

export interface Metered {
  /** The counts of this cache and of all its namespaces, since it was created or reset. */
  metrics(): CacheMetrics
  /** Sets all counts to 0. Calls that are under way are counted when they end. */
  resetMetrics(): void
}

/**
 * The same cache, with counts of its hits, misses and errors.
 *
 * `get`, `getMany`, `pull`, `getOrSet` and handles count; a handle counts once for each row that it reads. With `getOrSet`, a
 * value that this call computed is a miss, and so is its failed computation. Everything else is a hit: a stale value, a value
 * that another caller computed, or the old value while a refresh runs in the background. `has`, `expiration` and writes are
 * neither. With a `responseCache` over it, a response from the cache is a hit, a response of the handler is a miss, and a
 * failure of the store is an error, although no request fails.
 *
 * Counting costs no round trip. Each process or isolate counts for itself; `pgstash/telemetry` counts for all of them.
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

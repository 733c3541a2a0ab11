import type { Cache, Jsonified } from 'pgstash'

/**
 * A report from a slow service that sometimes fails.
 *
 * Callers wait at most 200 ms for a refresh, and get the old report if it takes longer. After a failed refresh, no process tries
 * again for half a minute.
 */
export function report<T>(cache: Cache, load: () => Promise<T>): Promise<Jsonified<T>> {
  return cache.getOrSet('report', load, { expiration: '1m', stale: '1h', softTimeout: '200ms', backoff: '30s' })
}

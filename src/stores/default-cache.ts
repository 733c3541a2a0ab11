/** The cache of functions that are given none. */

import { checkedCache } from '../cache/checked-cache.ts'
import type { Cache } from '../cache.ts'
import { memoryCache } from './memory/create-memory-cache.ts'

let current: Cache | undefined

/**
 * Makes a cache the default of this process or isolate. Cached functions that were made before use it from then on.
 *
 * @throws InvalidOptionError
 * @example
 * setDefaultCache(createCache(db))
 */
export function setDefaultCache(cache: Cache): void {
  current = checkedCache(cache, 'the default')
}

/** The default cache. If none was set, it is a memory cache with default bounds, created on first use. */
export function getDefaultCache(): Cache {
  current ??= memoryCache()
  return current
}

/** The default cache, for cached functions without the option `cache`. */

import { checkedCache } from '../cache/checked-cache.ts'
import type { Cache } from '../cache.ts'
import { memoryCache } from './memory/create-memory-cache.ts'

let current: Cache | undefined

/**
 * Sets the default cache of this process or isolate. Cached functions that already exist use it from then on.
 *
 * @throws InvalidOptionError
 * @example
 * setDefaultCache(createCache(db))
 */
export function setDefaultCache(cache: Cache): void {
  current = checkedCache(cache, 'the default')
}

/**
 * Returns the default cache. If none was set, it is a memory cache with default limits, created on first use.
 *
 * @example
 * await getDefaultCache().invalidate('products')
 */
export function getDefaultCache(): Cache {
  current ??= memoryCache()
  return current
}

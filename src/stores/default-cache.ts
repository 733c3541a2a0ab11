/** The cache of those that are given none, such as cached functions. */

import { checkedCache } from '../cache/delegate.ts'
import type { Cache } from '../cache.ts'
import { memoryCache } from './memory/create-memory-cache.ts'

let current: Cache | undefined

/**
 * Makes a cache the default of this process or isolate; functions that were made before use it from then on.
 *
 * @throws InvalidOptionError
 * @example
 * setDefaultCache(createCache(db))
 */
export function setDefaultCache(cache: Cache): void {
  current = checkedCache(cache, 'the default')
}

/** The default cache; where none was set, a memory cache with its default bounds, made on first use. */
export function getDefaultCache(): Cache {
  current ??= memoryCache()
  return current
}

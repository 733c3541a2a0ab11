/** `createCacheManager`: several caches by name, with a default. */

import { checkedCache, forwardTo } from '../cache/checked-cache.ts'
import type { Cache } from '../cache.ts'
import { describeType, InvalidOptionError, UnknownStoreError } from '../values/errors.ts'
import { optionsObject } from '../values/options.ts'

/** Options of {@link createCacheManager}. */
export interface CacheManagerOptions<Name extends string = string> {
  /** The name of the default cache, which answers the manager's own methods. */
  default: NoInfer<Name>
  /** The caches by name. `extend` adds more. */
  stores: Record<Name, Cache>
}

/** The default cache, and access to all others. */
export interface CacheManager<Name extends string = string> extends Cache {
  /** Returns the cache with a name. @throws UnknownStoreError */
  store(name: Name | (string & {})): Cache
  /**
   * Adds a cache. It never replaces a cache, because callers may still use the old one.
   *
   * @throws InvalidOptionError
   */
  extend(name: string, cache: Cache): void
  /** The names, in the order in which the caches were added. */
  readonly names: readonly string[]
}

/**
 * Creates a manager of several caches. The manager is itself a cache: its methods call the default cache.
 *
 * @throws InvalidOptionError; UnknownStoreError if no cache has the default's name
 * @example
 * const caches = createCacheManager({ default: 'postgres', stores: { postgres: createCache(db), memory: memoryCache() } })
 * await caches.set('key', 1)
 * await caches.store('memory').set('key', 2)
 */
export function createCacheManager<Name extends string>(options: CacheManagerOptions<Name>): CacheManager<Name> {
  const { default: defaultName, stores: given } = optionsObject<CacheManagerOptions<Name>>(options, [
    'default',
    'stores',
  ])
  if (typeof given !== 'object' || given === null) {
    throw new InvalidOptionError(`Expected stores to be an object of caches, got ${describeType(given)}.`)
  }
  const stores = new Map<string, Cache>()
  for (const [name, cache] of Object.entries(given)) stores.set(name, checkedCache(cache, 'each of the stores'))

  function store(name: string): Cache {
    const found = stores.get(name)
    if (found === undefined) throw new UnknownStoreError([...stores.keys()])
    return found
  }

  const own = store(defaultName as string)
  return {
    ...forwardTo(own),
    store,
    extend(name, cache) {
      if (typeof name !== 'string' || name === '') {
        throw new InvalidOptionError(`Expected the name of a store, got ${describeType(name)}.`)
      }
      if (stores.has(name))
        throw new InvalidOptionError('Expected the name of a new store, got the name of an existing store.')
      stores.set(name, checkedCache(cache, 'the store'))
    },
    get names() {
      return [...stores.keys()]
    },
  }
}

/** The interface of a first tier. */
import type { Cache, NamespaceOptions } from '../cache.ts'

/** The methods of a cache that stores copies. It need not count, lock or list. */
export interface NearCache
  extends Pick<
    Cache,
    'get' | 'getMany' | 'has' | 'set' | 'setMany' | 'deleteMany' | 'clear' | 'invalidate' | 'clearExpired'
  > {
  /**
   * Returns the cache of a namespace nested in this one.
   *
   * @throws InvalidKeyError, InvalidOptionError; thrown synchronously
   */
  namespace(name: string, options?: NamespaceOptions): NearCache
}

/** The interface of a first tier. */
import type { Cache, NamespaceOptions } from '../cache.ts'

/** The methods of a cache that stores copies. It need not count, lock or list. */
export interface NearCache
  extends Pick<
    Cache,
    'get' | 'getMany' | 'has' | 'set' | 'setMany' | 'deleteMany' | 'clear' | 'invalidate' | 'clearExpired'
  > {
  namespace(name: string, options?: NamespaceOptions): NearCache
}

/** `platformCache`: a first tier in the cache that Cloudflare or Vercel keeps near a function. */
import { buildCache } from '../../cache/build-cache.ts'
import type { Codec } from '../../values/codec.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { optionsObject } from '../../values/options.ts'
import { randomUUID } from '../../values/random.ts'
import type { NearCache } from '../near-cache.ts'
import { nullStore } from '../null-cache.ts'
import { platformStore } from './platform-store.ts'
import { noStorage, type RuntimeCache, vercelStorage, workersStorage } from './storages.ts'

/** Options of {@link platformCache}. */
export interface PlatformCacheOptions {
  /** `getCache()` of `@vercel/functions`. Default: `caches.default`. If the runtime lacks it, nothing is stored. */
  vercel?: RuntimeCache | undefined
  /**
   * The codec for values that you set directly. A tiered cache passes values that are already encoded. Default: JSON.
   */
  codec?: Codec | undefined
  /**
   * A prefix of each key, which separates caches of the same zone or project. At most 128 bytes in UTF-8. Default:
   * none.
   */
  namespace?: string | undefined
}

/**
 * Creates a first tier in the platform's own cache.
 *
 * On Cloudflare Workers it uses `caches.default`, which is local to each data centre. With `vercel` it uses Vercel's
 * runtime cache, which is local to each region. On other platforms it stores nothing, and the second tier answers. On
 * `workers.dev`, `caches.default` stores nothing.
 *
 * The isolates of a data centre or region share it, so a new isolate starts warm. It cannot count, add or lock, so it
 * is not a full `Cache`. This isolate never returns a copy that it deleted or invalidated. Other isolates may, until
 * the copy's `l1Expiration` ends.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * const cache = tieredCache({ l1: platformCache(), l2: createCache(db), l1Expiration: '30s' })
 */
export function platformCache(options?: PlatformCacheOptions): NearCache {
  const { vercel, codec, namespace } = optionsObject<PlatformCacheOptions>(options, ['vercel', 'codec', 'namespace'])
  if (vercel !== undefined && typeof Object(vercel).expireTag !== 'function') {
    throw new InvalidOptionError(`Expected vercel to be the result of getCache(), got ${describeType(vercel)}.`)
  }
  const storage = vercel === undefined ? undefined : vercelStorage(vercel)
  // Workers forbid random numbers at module level, so the id is created on first use.
  let id: string | undefined
  const isolate = () => (id ??= randomUUID())
  // Workers also forbid the use of `caches` at module level, so the storage is looked up at each use.
  const store = platformStore(() => storage ?? workersStorage() ?? noStorage, isolate)
  return buildCache({ ...nullStore, ...store, isLocal: false }, { codec, namespace }) satisfies NearCache
}

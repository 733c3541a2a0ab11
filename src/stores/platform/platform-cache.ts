/** `platformCache`: the cache that Cloudflare or Vercel keeps near a function, as the first tier of a tiered cache. */
import { buildCache } from '../../cache/build-cache.ts'
import type { Codec } from '../../values/codec.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { optionsObject } from '../../values/options.ts'
import { randomUUID } from '../../values/random.ts'
import type { NearCache } from '../near-cache.ts'
import { nullStore } from '../null-cache.ts'
import { platformStore } from './platform-store.ts'
import { noStorage, type RuntimeCache, vercelStorage, workersStorage } from './storages.ts'

export interface PlatformCacheOptions {
  /** `getCache()` of `@vercel/functions`. Default: `caches.default` if the runtime has it; otherwise nothing is kept. */
  vercel?: RuntimeCache | undefined
  /** For values that are set through this cache itself. A tiered cache passes values that are encoded already. Default: JSON. */
  codec?: Codec | undefined
  /** Put before each key, to keep it apart from other caches of the same zone or project. At most 128 bytes. */
  namespace?: string | undefined
}

/**
 * A first tier in the platform's own cache.
 *
 * On Cloudflare Workers it is `caches.default`, which each data centre has for itself; with `vercel` it is Vercel's runtime
 * cache, which each region has. Elsewhere it keeps nothing, and the second tier answers. On `workers.dev`, `caches.default`
 * keeps nothing.
 *
 * The isolates of a place share it, so a new isolate begins warm. It can neither count, add nor lock, so it is not a
 * `Cache` of its own. This isolate never answers with a copy that it deleted or invalidated; isolates elsewhere may, until
 * `l1Expiration` ends the copy.
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
  // Workers allow no random numbers at module level, …
  let id: string | undefined
  const isolate = () => (id ??= randomUUID())
  // … and no look at their caches.
  const store = platformStore(() => storage ?? workersStorage() ?? noStorage, isolate)
  return buildCache({ ...nullStore, ...store, isLocal: false }, { codec, namespace }) satisfies NearCache
}

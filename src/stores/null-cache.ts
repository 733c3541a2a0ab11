/** `nullCache`: stores nothing, so that caching can be turned off without another line. */

import { cacheOver } from '../cache/cache-over.ts'
import type { Cache } from '../cache.ts'
import { free, type Store } from '../store/store.ts'
import { wallClock } from '../values/clock.ts'
import type { Codec } from '../values/codec.ts'
import { optionsObject } from '../values/options.ts'
import { OLDEST_SNAPSHOT } from '../values/snapshot.ts'

export const nullStore: Store = {
  isLocal: true,
  read: () => free(undefined),
  readMany: () => free(new Map()),
  has: () => free(false),
  deadline: () => free(undefined),
  write: () => free(0),
  add: () => free(true),
  touch: () => free(false),
  count: (_key, { delta }) => free(delta),
  limit: (_key, { periodMs }) => free({ count: 1, resetAt: wallClock() + periodMs, resetMs: periodMs }),
  remove: () => free(0),
  take: () => free(undefined),
  clear: () => free(0),
  sweep: () => free({ removed: 0, more: false }),
  invalidate: () => free(undefined),
  snapshot: () => free(OLDEST_SNAPSHOT),
  size: () => free(0),
  stats: () => free({ total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false }),
  list: () => free([]),
  // No lease is to be had, so every caller computes.
  readOrClaim: () => free({ entry: undefined, claimed: 'unavailable', heldMs: undefined }),
  fill: () => free(false),
  release: () => free(undefined),
}

export interface NullCacheOptions {
  /** That of the cache whose place it takes: `getOrSet` returns what this codec makes of a value. Default: JSON. */
  codec?: Codec | undefined
}

/**
 * A cache that stores nothing: every read is a miss, every write succeeds and is gone.
 *
 * `getOrSet` computes for each caller, without waiting for another. Methods that change or count answer as if the key had
 * been absent: `add` true, `touch` and `delete` false, `increment` the delta, `limit` the first call of a window. So `limit`
 * allows every call unless the limit is 0. Keys, options and values are checked as in every other store.
 *
 * @throws InvalidOptionError
 * @example
 * const cache = env.CACHE === 'off' ? nullCache() : createCache(db)
 */
export function nullCache(options?: NullCacheOptions): Cache {
  const { codec } = optionsObject<NullCacheOptions>(options, ['codec'])
  return cacheOver(nullStore, { codec })
}

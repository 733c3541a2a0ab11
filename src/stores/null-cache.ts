/** `nullCache`: stores nothing. Use it to turn caching off without changing other code. */

import { buildCache } from '../cache/build-cache.ts'
import type { Cache } from '../cache.ts'
import { countLimited } from '../store/limits.ts'
import { type Store, toReply } from '../store/store.ts'
import { wallClock } from '../values/clock.ts'
import type { Codec } from '../values/codec.ts'
import { optionsObject } from '../values/options.ts'
import { OLDEST_SNAPSHOT } from '../values/snapshot.ts'

export const nullStore: Store = {
  isLocal: true,
  read: () => toReply(undefined),
  readMany: () => toReply(new Map()),
  has: () => toReply(false),
  deadline: () => toReply(undefined),
  write: () => toReply(0),
  add: () => toReply(true),
  touch: () => toReply(false),
  count: (_key, { delta }) => toReply(delta),
  limit: (_key, rule) => toReply(countLimited(undefined, rule, wallClock()).window),
  remove: () => toReply(0),
  take: () => toReply(undefined),
  clear: () => toReply(0),
  sweep: () => toReply({ removed: 0, more: false }),
  invalidate: () => toReply(undefined),
  snapshot: () => toReply(OLDEST_SNAPSHOT),
  size: () => toReply(0),
  stats: () => toReply({ total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false }),
  list: () => toReply([]),
  // The store grants no leases, so every caller computes.
  readOrClaim: () => toReply({ entry: undefined, claimed: 'unavailable', heldMs: undefined }),
  fill: () => toReply(false),
  release: () => toReply(undefined),
}

/** Options of {@link nullCache}. */
export interface NullCacheOptions {
  /** The codec of the cache that it replaces. `getOrSet` returns values as this codec decodes them. Default: JSON. */
  codec?: Codec | undefined
}

/**
 * Creates a cache that stores nothing. Every read is a miss, and every write succeeds without effect.
 *
 * `getOrSet` computes for each caller, without waiting for others. Methods that change or count behave as if the key
 * were absent: `add` returns true, `touch` and `delete` return false, `increment` returns the delta. For `limit`, every
 * call is the first of a window, so it is allowed unless the limit is 0. Keys, options and values are checked as in all
 * stores.
 *
 * @throws InvalidOptionError
 * @example
 * const cache = env.CACHE === 'off' ? nullCache() : createCache(db)
 */
export function nullCache(options?: NullCacheOptions): Cache {
  const { codec } = optionsObject<NullCacheOptions>(options, ['codec'])
  return buildCache(nullStore, { codec })
}

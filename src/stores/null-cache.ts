/** `nullCache`: stores nothing, so that caching can be turned off without another line. */

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
  // No lease is to be had, so every caller computes.
  readOrClaim: () => toReply({ entry: undefined, claimed: 'unavailable', heldMs: undefined }),
  fill: () => toReply(false),
  release: () => toReply(undefined),
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
  return buildCache(nullStore, { codec })
}

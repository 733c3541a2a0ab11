/** `tieredCache`: copies near by, in front of the cache that all processes share. */
import { cacheOn } from '../../cache/build-cache.ts'
import { checkedCache } from '../../cache/checked-cache.ts'
import type { Cache } from '../../cache.ts'
import { now } from '../../values/clock.ts'
import { InvalidOptionError } from '../../values/errors.ts'
import { type Expiration, parsePeriod } from '../../values/expiration.ts'
import { boolean, optionsObject } from '../../values/options.ts'
import type { NearCache } from '../near-cache.ts'
import { foundationOf, nearStoreOf } from '../third-party/foundation.ts'
import { tieredStore } from './tiered-store.ts'

export interface TieredCacheOptions {
  /**
   * The first tier, which holds the copies: `memoryCache()` or `platformCache()`. It belongs to this tiered cache alone;
   * nothing else may write to it. It keeps values as `l2` encodes them, so it needs no codec.
   */
  l1: NearCache
  /** The second tier, which all processes share: `createCache(db)`. Its settings hold for the tiered cache. */
  l2: Cache
  /**
   * True to ask with each read of `l2` what other processes changed since the last one, and to remove those copies. Default
   * false. `migrate(db, { changes: true })` keeps the log that this needs.
   */
  changes?: boolean | undefined
  /** The longest life of a copy, and so the longest delay until a write by another process is seen. Default 10 s. */
  l1Expiration?: Expiration | undefined
}

const DEFAULT_COPY_MS = 10_000

/**
 * Two tiers as one cache.
 *
 * Reads are answered from `l1` if it has a copy. Otherwise they go to `l2`, and leave a copy that lives for `l1Expiration` at
 * most, and never longer than the entry. Writes, removals, invalidations and `clear` go to both, `l2` first, so this process
 * reads what it wrote. Writes by other processes may be seen later by `l1Expiration`. Whatever must be exact is asked of
 * `l2`: counters, limits, `add`, `pull`, `expiration`, lists and statistics. A sliding read reaches `l2` if the deadline there
 * is due to move.
 *
 * A hit in `l1` makes no round trip, a hit in `l2` one. `getMany` asks `l2` only for keys that `l1` lacks, in one round trip.
 *
 * @throws InvalidOptionError, InvalidExpirationError
 * @example
 * const cache = tieredCache({ l1: memoryCache({ maxEntries: 1_000 }), l2: createCache(db), l1Expiration: '5s' })
 */
export function tieredCache(options: TieredCacheOptions): Cache {
  const known = ['l1', 'l2', 'l1Expiration', 'changes'] as const
  const { l1, l2, l1Expiration, changes = false } = optionsObject<TieredCacheOptions>(options, known)
  const near = nearStoreOf(l1)
  const foundation = foundationOf(checkedCache(l2, 'l2'))
  const asksForChanges = boolean('changes', changes)
  if (asksForChanges && foundation.store.tellsChanges !== true) {
    throw new InvalidOptionError("Expected l2 to be createCache's, whose reads tell changes, got another store.")
  }
  const copyMs = l1Expiration === undefined ? DEFAULT_COPY_MS : parsePeriod(l1Expiration, 'l1Expiration', now())
  const store = tieredStore({ near: near(foundation.codec), far: foundation.store, copyMs, asksForChanges })
  return cacheOn({ ...foundation, store })
}

/** `tieredCache`: local copies in front of the cache that all processes share. */
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

/** Options of {@link tieredCache}. */
export interface TieredCacheOptions {
  /**
   * The first tier, which stores copies: `memoryCache()` or `platformCache()`. It belongs to this tiered cache alone,
   * and nothing else may write to it. It stores values as `l2` encodes them, so it needs no codec.
   */
  l1: NearCache
  /** The second tier, which all processes share: `createCache(db)`. Its settings apply to the tiered cache. */
  l2: Cache
  /**
   * True if each read of `l2` also asks which entries other processes changed since the last read, and removes their
   * copies. Default false. It needs the change log, which `migrate(db, { changes: true })` installs.
   */
  changes?: boolean | undefined
  /** The longest life of a copy, and so the longest delay until this process sees a write of another. Default 10 s. */
  l1Expiration?: Expiration | undefined
}

const DEFAULT_COPY_MS = 10_000

/**
 * Creates a cache of two tiers.
 *
 * `l1` answers a read if it has a copy. Otherwise `l2` answers, and the read leaves a copy. The copy lives for
 * `l1Expiration` at most, and never longer than the entry. Writes, removals, invalidations and `clear` go to both
 * tiers, `l2` first, so this process reads its own writes. It may see writes of other processes later, by up to
 * `l1Expiration`.
 *
 * `l2` answers all calls that must be exact: counters, limits, `add`, `pull`, `expiration`, lists and statistics. A
 * sliding read reaches `l2` if the deadline there must move.
 *
 * A hit in `l1` takes no round trip, a hit in `l2` takes one. `getMany` asks `l2` only for keys that `l1` lacks, in one
 * round trip.
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
    throw new InvalidOptionError('Expected l2 to be made by createCache, because changes: true needs its change log.')
  }
  const copyMs = l1Expiration === undefined ? DEFAULT_COPY_MS : parsePeriod(l1Expiration, 'l1Expiration', now())
  const store = tieredStore({ near: near(foundation.codec), far: foundation.store, copyMs, asksForChanges })
  return cacheOn({ ...foundation, store })
}

/** `cacheOver`: a cache over a store that somebody else wrote. */
import type { Cache } from '../cache.ts'
import { checkedStore } from '../store/checked-store.ts'
import type { Store } from '../store/store.ts'
import { optionsObject } from '../values/options.ts'
import { buildCache, ENGINE_OPTIONS, type EngineOptions } from './build-cache.ts'
import { checkedTimeout } from './settings.ts'
import { withTimeout } from './timeout.ts'

/**
 * A cache over a store of yours.
 *
 * The engine checks and parses what callers pass, scopes keys, encodes values, emits events, collapses concurrent calls,
 * computes missing values once, and fails soft if asked to. The store only holds encoded rows by stored key. Makes no
 * request and starts no timer, so it is safe at module level.
 *
 * A call of the store that takes longer than `timeout` rejects with `DatabaseTimeoutError`. `clear` and `clearExpired` may
 * take as long as they need, and a local store has no timeout.
 *
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * const cache = cacheOver(myStore, { namespace: 'shop', expiration: '10m' })
 */
export function cacheOver(store: Store, options?: EngineOptions): Cache {
  const { timeout } = optionsObject<EngineOptions>(options, ENGINE_OPTIONS)
  const own = checkedStore(store)
  return buildCache(own.isLocal === true ? own : withTimeout(own, checkedTimeout(timeout)), options)
}

/** `cacheOver`: a cache over a custom store. */
import type { Cache } from '../cache.ts'
import { checkedStore } from '../store/checked-store.ts'
import type { Store } from '../store/store.ts'
import { optionsObject } from '../values/options.ts'
import { buildCache, ENGINE_OPTIONS, type EngineOptions } from './build-cache.ts'
import { checkedTimeout } from './settings.ts'
import { withTimeout } from './timeout.ts'

/**
 * Creates a cache over your own store.
 *
 * The engine checks and parses arguments, scopes keys, encodes values, emits events, collapses concurrent calls,
 * computes missing values once, and fails soft with `onError: 'miss'`. The store only holds encoded rows by stored key.
 * Creating the cache makes no request and starts no timer, so it is safe at module level.
 *
 * A store call that takes longer than `timeout` rejects with `DatabaseTimeoutError`. `clear` and `clearExpired` have no
 * timeout, and neither has a local store.
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

/** Finds the store and the settings below any cache, for caches that consist of other caches. */
import { engineOf, type Foundation } from '../../cache/engine.ts'
import { parseSettings } from '../../cache/settings.ts'
import type { Cache } from '../../cache.ts'
import type { Store } from '../../store/store.ts'
import type { Codec } from '../../values/codec.ts'
import { DEFAULT_TIMEOUT_MS } from '../../values/defaults.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import type { NearCache } from '../near-cache.ts'
import type { NearStore } from '../near-store.ts'
import { prefixedStore } from '../prefixed-store.ts'
import { CACHE_DEFAULT } from './expirations.ts'
import { thirdPartyStore } from './third-party-store.ts'

/** Returns the foundation of a cache. For a third party's cache, it is an adapter with default settings. */
export function foundationOf(cache: Cache): Foundation {
  const engine = engineOf(cache)
  if (engine !== undefined) return engine
  const { settings, scope } = parseSettings({})
  return {
    ...settings,
    scope,
    expiration: CACHE_DEFAULT,
    store: thirdPartyStore(cache, settings.codec),
    timeoutMs: DEFAULT_TIMEOUT_MS,
    failsSoft: false,
  }
}

const NEAR_METHODS = [
  'get',
  'getMany',
  'has',
  'set',
  'setMany',
  'deleteMany',
  'clear',
  'invalidate',
  'clearExpired',
  'namespace',
] as const satisfies readonly (keyof NearCache)[]

/**
 * Returns a function that makes the store below a first tier. A third party's cache needs the codec of the rows.
 *
 * @throws InvalidOptionError
 */
export function nearStoreOf(cache: NearCache | undefined): (codec: Codec) => NearStore {
  const engine = engineOf(cache)
  if (engine !== undefined) return () => prefixedStore(engine.store, engine.scope.prefix)
  if (cache !== undefined && NEAR_METHODS.every((name) => typeof Object(cache)[name] === 'function')) {
    return (codec): Store => thirdPartyStore(cache as Cache, codec)
  }
  throw new InvalidOptionError(`Expected l1 to be a cache, got ${describeType(cache)}.`)
}

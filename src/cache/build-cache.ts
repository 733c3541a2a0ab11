/** Builds a cache. All caches have the same engine, over different stores. */
import type { Cache } from '../cache.ts'
import { createFillEngine, type FillEngine } from '../fill/get-or-set.ts'
import type { Store } from '../store/store.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { nestedScope } from '../values/key.ts'
import { optionsObject } from '../values/options.ts'
import type { TimeSpan } from '../values/time-span.ts'
import { createBlockList } from './block-list.ts'
import { createCircuit } from './circuit.ts'
import { createCoalescer } from './coalesce.ts'
import { counting } from './counting.ts'
import { ENGINE, type Foundation, type OperationEngine, type ScopedEngine } from './engine.ts'
import { exactCache } from './exact-arguments.ts'
import { failSoft } from './fail-soft.ts'
import { getOrSet } from './filling.ts'
import { inspecting } from './inspecting.ts'
import { entryHandle, reading } from './reading.ts'
import { removing } from './removing.ts'
import { COMMON_OPTIONS, type CommonOptions, checkedTimeout, parseSettings } from './settings.ts'
import { writing } from './writing.ts'

/** Options of a cache over any store. */
export interface EngineOptions extends CommonOptions {
  /**
   * The longest time for one call of the store, including its retries. A plain number is milliseconds; default 5,000.
   */
  timeout?: TimeSpan | undefined
  /**
   * How the cache handles a failure of the store. With `'throw'`, the default, the call rejects.
   *
   * With `'miss'`, reads find nothing, `getOrSet` computes, and `set`, `setMany` and `touch` do nothing. All other
   * methods still reject. A circuit breaker opens after five failures in a row that mean the store cannot answer. These
   * calls then skip the store for a second, and longer if it keeps failing. A statement that a healthy database refuses
   * does not count.
   */
  onError?: 'throw' | 'miss' | undefined
}

export const ENGINE_OPTIONS = [...COMMON_OPTIONS, 'timeout', 'onError'] as const

/**
 * Builds a cache over a store of this package. Such a store enforces `timeout` itself.
 *
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 */
export function buildCache(store: Store, options?: EngineOptions): Cache {
  const { timeout, onError, ...common } = optionsObject(options, ENGINE_OPTIONS)
  const { settings, scope } = parseSettings(common)
  // Inside a transaction, a failure has aborted the transaction. Absorbing it would hide that from the caller.
  const failsSoft = checkedOnError(onError) === 'miss' && store.isInTransaction !== true
  const own = failsSoft ? failSoft(store, createCircuit()) : store
  return cacheOn({ ...settings, store: own, scope, timeoutMs: checkedTimeout(timeout), failsSoft })
}

/** @throws InvalidOptionError */
export function checkedOnError(onError: unknown = 'throw'): 'throw' | 'miss' {
  if (onError === 'throw' || onError === 'miss') return onError
  throw new InvalidOptionError(`Expected onError to be 'throw' or 'miss', got ${describeType(onError)}.`)
}

/** Builds a cache from settings that are already checked, such as the settings of its tiers or nodes. */
export function cacheOn(foundation: Foundation): Cache & { readonly [ENGINE]: ScopedEngine } {
  const { store, timeoutMs } = foundation
  const blockList = createBlockList()
  const fillEngine = createFillEngine(store, foundation)
  const filler: FillEngine = {
    ...fillEngine,
    detach(keys) {
      blockList.forget(keys)
      fillEngine.detach(keys)
    },
  }
  const readRow = store.isLocal
    ? (key: string) => store.read(key)
    : createCoalescer((keys) => store.readMany(keys), timeoutMs)
  return scopedCache({ ...foundation, filler, blockList, readRow })
}

function scopedCache(engine: OperationEngine): Cache & { readonly [ENGINE]: ScopedEngine } {
  const { setStored, ...written } = writing(engine)
  const removed = removing(engine)
  const cache: Cache = exactCache({
    ...reading(engine),
    ...written,
    ...counting(engine),
    ...removed,
    ...inspecting(engine),
    getOrSet: getOrSet(engine),
    namespace: (name, options) => scopedCache({ ...engine, scope: nestedScope(engine.scope, name, options) }),
    entry: (key) => entryHandle(engine, key, { setStored, delete: removed.delete }),
  })
  return { ...cache, [ENGINE]: { ...engine, getOrSet: cache.getOrSet } }
}

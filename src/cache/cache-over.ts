/** `cacheOver`: the one engine, over any store. */
import type { Cache } from '../cache.ts'
import { createFillEngine } from '../fill/get-or-set.ts'
import type { Store } from '../store/store.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { nestedScope, type Scope, storedKey } from '../values/key.ts'
import { optionsObject } from '../values/options.ts'
import type { TimeSpan } from '../values/time-span.ts'
import { createCircuit } from './circuit.ts'
import { createCoalescer } from './coalesce.ts'
import { copying } from './copying.ts'
import { counting } from './counting.ts'
import { ENGINE, type Engine, type ScopedEngine } from './engine.ts'
import { exactCache } from './exact-arguments.ts'
import { withCircuit } from './fail-soft.ts'
import { filling, fillSoftly } from './filling.ts'
import { inspecting } from './inspecting.ts'
import { type Inside, internals } from './internals.ts'
import { entryHandle, reading } from './reading.ts'
import { removing } from './removing.ts'
import { COMMON_OPTIONS, type CommonOptions, checkedTimeout, parseSettings } from './settings.ts'
import { writing } from './writing.ts'

export interface EngineOptions extends CommonOptions {
  /** For one call of the store, its retries included. A plain number is milliseconds; default 5,000. */
  timeout?: TimeSpan | undefined
  /**
   * What happens when the store fails. With `'throw'`, the default, the call rejects.
   *
   * With `'miss'`, reads find nothing, `getOrSet` computes, and `set`, `setMany` and `touch` do nothing. All other methods
   * still reject. After five failures in a row, these calls skip the store for a second, and longer if it keeps failing.
   */
  onError?: 'throw' | 'miss' | undefined
}

export const ENGINE_OPTIONS = [...COMMON_OPTIONS, 'timeout', 'onError'] as const

/**
 * A cache over a store of yours.
 *
 * The engine checks and parses what callers pass, scopes keys, encodes values, emits events, collapses concurrent calls,
 * computes missing values once, and fails soft if asked to. The store only holds encoded rows by stored key.
 *
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * const cache = cacheOver(myStore, { namespace: 'shop', expiration: '10m' })
 */
export function cacheOver(store: Store, options?: EngineOptions): Cache {
  const { timeout, onError = 'throw', ...common } = optionsObject(options, ENGINE_OPTIONS)
  if (onError !== 'throw' && onError !== 'miss') {
    throw new InvalidOptionError(`Expected onError to be 'throw' or 'miss', got ${describeType(onError)}.`)
  }
  const timeoutMs = checkedTimeout(timeout)
  const { settings, scope, waitUntil, random } = parseSettings(common)
  // Inside a transaction a failure has ended it, and going on would hide that.
  const failsSoft = onError === 'miss' && store.isInTransaction !== true
  const watched = failsSoft ? withCircuit(store, createCircuit()) : store
  const requests = failsSoft ? fillSoftly(watched) : watched
  const filler = createFillEngine(requests, { ...settings, timeoutMs, waitUntil, random })
  const readRow = watched.isLocal
    ? (key: string) => watched.read(key)
    : createCoalescer((keys) => watched.readMany(keys), timeoutMs)
  return scopedCache({ ...settings, store: watched, timeoutMs, waitUntil, failsSoft, filler, readRow }, scope)
}

function scopedCache(shared: Engine, scope: Scope): Cache & Inside & { readonly [ENGINE]: ScopedEngine } {
  const engine: ScopedEngine = { ...shared, scope }
  const { prepareMany, setStored, ...written } = writing(engine)
  const { refresh, getOrSetKeeping, ...filled } = filling(engine)
  const { rows, ...inspected } = inspecting(engine)
  const cache = {
    ...reading(engine),
    ...written,
    ...counting(engine),
    ...filled,
    ...removing(engine),
    ...inspected,
  }
  const exact = exactCache({
    ...cache,
    namespace: (name, options) => scopedCache(shared, nestedScope(scope, name, options)),
    entry: (key) => entryHandle(engine, key, { setStored, delete: cache.delete }),
    [internals]: {
      ...copying(engine),
      prepareMany,
      refresh,
      rows,
      getOrSetKeeping,
      defaultExpiration: () => shared.expiration,
      storedKey: shared.store.isLocal ? undefined : (key) => storedKey(scope, key),
      timeoutMs: shared.store.isLocal ? undefined : shared.timeoutMs,
    },
  } satisfies Cache & Inside)
  return { ...exact, [ENGINE]: { ...engine, getOrSet: exact.getOrSet } }
}

/** The parts of the engine share these. */
import type { Cache } from '../cache.ts'
import type { FillEngine } from '../fill/get-or-set.ts'
import type { Reply, Row, Store } from '../store/store.ts'
import type { Scope } from '../values/key.ts'
import type { BlockList } from './block-list.ts'
import type { Settings } from './settings.ts'

/** The store below a cache, with the settings of the cache. */
export interface Foundation extends Settings {
  /** With `onError: 'miss'`, a store that fails softly. */
  readonly store: Store
  /** The namespace that all keys are in. */
  readonly scope: Scope
  /** Milliseconds for one call of the store. */
  readonly timeoutMs: number
  /** True with `onError: 'miss'`; otherwise every failure is the caller's. */
  readonly failsSoft: boolean
}

/** The engine of one namespace. */
export interface ScopedEngine extends Foundation {
  /** Shared with all namespaces nested in this one. */
  readonly filler: FillEngine
  /** Shared likewise: the refusals of `limit` that this process remembers. */
  readonly blockList: BlockList
  /** The method of the cache. If the cache has another one, somebody replaced it, and it must be called. */
  readonly getOrSet: Cache['getOrSet']
  /** Reads a row. With a remote store, reads of one tick share one call. */
  readonly readRow: (key: string) => Reply<Row | undefined> | Promise<Reply<Row | undefined>>
}

/** As much of an engine as its own operations need. */
export type OperationEngine = Omit<ScopedEngine, 'getOrSet'>

/**
 * The symbol under which a cache keeps its engine, for the parts of this package that need the store below it. It comes
 * from the registry, because each entry point may bring its own copy of this module.
 */
export const ENGINE: unique symbol = Symbol.for('pgstash.engine') as never

/** The engine of a cache; undefined for a third party's cache. */
export function engineOf(cache: unknown): ScopedEngine | undefined {
  return Reflect.get(Object(cache), ENGINE) as ScopedEngine | undefined
}

/** The types that the parts of the engine share. */
import type { Cache } from '../cache.ts'
import type { FillEngine } from '../fill/get-or-set.ts'
import type { Reply, Row, Store } from '../store/store.ts'
import type { Scope } from '../values/key.ts'
import type { BlockList } from './block-list.ts'
import type { Settings } from './settings.ts'

/** The store below a cache, with the settings of the cache. */
export interface Foundation extends Settings {
  /** With `onError: 'miss'`, this store absorbs failures. */
  readonly store: Store
  /** The namespace of all keys. */
  readonly scope: Scope
  /** The longest time for one call of the store, in milliseconds. */
  readonly timeoutMs: number
  /** True with `onError: 'miss'`. Otherwise the caller gets every failure. */
  readonly failsSoft: boolean
}

/** The engine of one namespace. */
export interface ScopedEngine extends Foundation {
  /** Shared with all nested namespaces. */
  readonly filler: FillEngine
  /** The refusals of `limit` that this process remembers. Shared with all nested namespaces. */
  readonly blockList: BlockList
  /**
   * The cache's method. If the cache has another `getOrSet`, somebody replaced it, and callers must use the new one.
   */
  readonly getOrSet: Cache['getOrSet']
  /** Reads a row. With a remote store, the reads of one tick share one call. */
  readonly readRow: (key: string) => Reply<Row | undefined> | Promise<Reply<Row | undefined>>
}

/** The part of an engine that its own operations need. */
export type OperationEngine = Omit<ScopedEngine, 'getOrSet'>

/**
 * The symbol under which a cache keeps its engine. Other parts of this package use it to reach the store below a cache.
 * It comes from the global registry, because each entry point may bundle its own copy of this module.
 */
export const ENGINE: unique symbol = Symbol.for('pgstash.engine') as never

/** Returns the engine of a cache, or undefined for a third party's cache. */
export function engineOf(cache: unknown): ScopedEngine | undefined {
  return Reflect.get(Object(cache), ENGINE) as ScopedEngine | undefined
}

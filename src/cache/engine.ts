/** The parts of the engine share these. */
import type { Cache } from '../cache.ts'
import type { FillEngine } from '../fill/get-or-set.ts'
import type { Reply, Row, Store } from '../store/store.ts'
import type { Scope } from '../values/key.ts'
import type { Settings } from './settings.ts'

/** The same for a cache and the namespaces nested in it. */
export interface Engine extends Settings {
  /** With `onError: 'miss'`, a circuit breaker watches it. */
  readonly store: Store
  /** Milliseconds for one call of the store. */
  readonly timeoutMs: number
  /** Keeps background work alive after the response. */
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
  /** True with `onError: 'miss'`; otherwise every failure is the caller's. */
  readonly failsSoft: boolean
  readonly filler: FillEngine
  /** Reads a row. With a remote store, reads of one tick share one call. */
  readonly readRow: (key: string) => Reply<Row | undefined> | Promise<Reply<Row | undefined>>
}

/** The engine of one namespace. */
export interface ScopedEngine extends Engine {
  readonly scope: Scope
  /** The `getOrSet` of the cache. If a program has replaced it, metrics must call the replacement and not the filler. */
  readonly getOrSet?: Cache['getOrSet'] | undefined
}

/**
 * The symbol under which a cache keeps its engine, for the parts of this package that need the store below it. It comes
 * from the registry, because each entry point may bring its own copy of this module.
 */
export const ENGINE: unique symbol = Symbol.for('pgstash.engine') as never

/** The engine of a cache; undefined for a third party's cache. */
export function engineOf(cache: unknown): ScopedEngine | undefined {
  return Reflect.get(Object(cache), ENGINE) as ScopedEngine | undefined
}

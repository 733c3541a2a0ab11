/** What the parts of one cache share. */
import type { Filler } from '../fill/get-or-set.ts'
import type { FillStore } from '../fill/store.ts'
import type { CacheTables } from '../schema.ts'
import type { createCoalescer } from '../store/coalesce.ts'
import type { Settings } from '../store/settings.ts'
import type { StoredValue } from '../values/codec.ts'
import type { Scope } from '../values/key.ts'
import type { Capacity } from './capacity.ts'
import type { Circuit } from './circuit.ts'
import type { Runner } from './runner.ts'

/** Keys of one statement: at 512 bytes each, some 5 MB. */
export const MAX_KEYS = 10_000

/** The same for a cache and the namespaces nested in it. */
export interface Shared extends Settings {
  readonly runner: Runner
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
  /** For one statement, its retries included. */
  readonly timeoutMs: number
  readonly tables: CacheTables
  readonly coalesced: ReturnType<typeof createCoalescer<StoredValue>>
  /** The steps of a fill, for who takes them by themselves. */
  readonly steps: FillStore
  readonly filler: Filler
  /** With `onError: 'miss'`; undefined where every failure is the caller's. */
  readonly circuit: Circuit | undefined
  /** Of the response cache, which always fails soft. */
  readonly responseCircuit: Circuit
}

export interface Context extends Shared {
  readonly scope: Scope
  /** Of this very scope; those nested in it have none of their own. */
  readonly capacity: Capacity | undefined
}

/**
 * Where a cache keeps its context, for other entry points of this package that work on its tables. A symbol of the
 * registry, because each entry may bring a copy of this module.
 */
export const CONTEXT: unique symbol = Symbol.for('pgstash.context') as never

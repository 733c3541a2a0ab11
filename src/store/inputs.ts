/** The engine's requests for many rows: pages and cleanup. */
import type { ListedEntry } from '../cache.ts'
import type { KeyRange } from '../values/key.ts'

/** The page that `list` of a store answers with. */
export interface ListInput {
  /** Selects the keys that begin with `range.from`. Stores that compare keys by code point can use it as a range. */
  readonly range: KeyRange
  /**
   * True to leave out nested scopes, as a list by prefix does. A key is in a nested scope if the part after
   * `scope.prefix` contains a `|` that no `\` escapes.
   */
  readonly isDirect: boolean
  /** `expired` also lists invalidated entries. `live` lists permanent entries too, and `forever` lists only those. */
  readonly state: 'all' | 'live' | 'expired' | 'forever' | 'invalidated'
  /** 1 to 1,000. Answer with one more row if there is one. */
  readonly limit: number
  /** The stored key after which the page begins; '' for the first. */
  readonly after: string
}

/** An entry as a store lists it. */
export type ListedRow = Omit<ListedEntry, 'key' | 'namespace'> & {
  /** The stored key. */
  readonly key: string
}

/** Reports the progress of an exact count, and may end it: for `size` and `stats` of a store. */
export interface CountingInput {
  /**
   * Call this after each part with the number of entries counted so far, expired ones included. Undefined if the caller
   * does not ask.
   */
  readonly onProgress?: ((counted: number) => void) | undefined
  /** Once aborted, start no further part, and reject with its reason. Undefined if the caller cannot abort. */
  readonly signal?: AbortSignal | undefined
}

/** The batches of `sweep` of a store, and the rules for its end. */
export interface SweepInput {
  /** Entries to remove at a time, so that no lock is held for long. */
  readonly batch: number
  /** Milliseconds after which no further batch begins; Infinity sets no limit. The first batch always runs. */
  readonly timeBudget: number
  /** Call this after each batch with the number of entries removed so far. */
  readonly onProgress: ((removed: number) => void) | undefined
  /** Once aborted, start no further batch. */
  readonly signal: AbortSignal | undefined
}

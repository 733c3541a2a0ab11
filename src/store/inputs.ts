/** The engine's requests for many rows: pages and cleanup. */
import type { ListedEntry } from '../cache.ts'
import type { KeyRange } from '../values/key.ts'

export interface ListInput {
  /** The keys that begin with `range.from`, as a range for stores that compare keys by code point. */
  readonly range: KeyRange
  /**
   * True to leave out nested scopes, which a list by prefix does. A key is in a nested scope if the part behind `scope.prefix`
   * contains a `|` that no `\` escapes.
   */
  readonly isDirect: boolean
  /** Invalidated entries are listed as `expired`, too; permanent ones as `forever` and as `live`. */
  readonly state: 'all' | 'live' | 'expired' | 'forever' | 'invalidated'
  /** 1 to 1,000. Answer with one row more if there is one. */
  readonly limit: number
  /** The stored key after which the page begins; '' for the first. */
  readonly after: string
}

/** An entry as a store lists it. */
export type ListedRow = Omit<ListedEntry, 'key' | 'namespace'> & {
  /** As it is stored. */
  readonly key: string
}

export interface CountingInput {
  /** Call it after each part with the number of entries counted so far, expired ones included. */
  readonly onProgress?: ((counted: number) => void) | undefined
  /** No further part begins once it is aborted; the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined
}

export interface SweepInput {
  /** Entries to remove at a time, so that no lock is held for long. */
  readonly batch: number
  /** Milliseconds after which no further batch begins; Infinity for none. The first batch always runs. */
  readonly timeBudget: number
  /** Call it after each batch with the number of entries removed so far. */
  readonly onProgress: ((removed: number) => void) | undefined
  /** No further batch begins once it is aborted. */
  readonly signal: AbortSignal | undefined
}

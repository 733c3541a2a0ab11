/** The engine's requests for many rows: pages and cleanup. */
import type { ListedEntry } from '../cache.ts'
import type { KeyRange } from '../values/key.ts'

export interface ListInput {
  readonly range: KeyRange
  /** Without nested scopes: with a prefix. */
  readonly isDirect: boolean
  readonly state: 'all' | 'live' | 'expired' | 'forever' | 'invalidated'
  readonly limit: number
  /** The stored key after which the page begins; '' for the first. */
  readonly after: string
}

/** An entry as a store lists it. */
export type ListedRow = Omit<ListedEntry, 'key' | 'namespace'> & {
  /** As it is stored. */
  readonly key: string
}

export interface SweepInput {
  readonly batch: number
  /** Infinity for none. */
  readonly timeBudget: number
  readonly onProgress: ((removed: number) => void) | undefined
  readonly signal: AbortSignal | undefined
}

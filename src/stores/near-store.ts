/** The part of a store that a first tier needs. */
import type { Store } from '../store/store.ts'

/** A store for copies of another store's rows. It need not count, lock or list. */
export type NearStore = Pick<
  Store,
  'readLocal' | 'read' | 'readMany' | 'has' | 'write' | 'remove' | 'clear' | 'invalidate' | 'sweep'
>

import type { Row, Store } from './store.ts'

/**
 * Returns a live row if the store can answer at once. If that fails, returns undefined: the caller then asks `read`,
 * which reports the failure.
 */
export function readLocally(store: Pick<Store, 'readLocal'>, key: string): Row | undefined {
  try {
    return store.readLocal?.(key)
  } catch {
    return undefined
  }
}

import type { Row, Store } from './store.ts'

/** A live row that the store can answer with at once. If that fails, `read` is asked, and reports the failure. */
export function readLocally(store: Pick<Store, 'readLocal'>, key: string): Row | undefined {
  try {
    return store.readLocal?.(key)
  } catch {
    return undefined
  }
}

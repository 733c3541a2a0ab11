/** Tells apart computations of one key in caches that share a store below them. */
import type { Store } from './store.ts'

/** The store that holds the lease of a key, and the key there. */
export type LeaseIdentity = readonly [store: object, key: string]

/** Stores that are made of other stores name the one that holds the lease. */
export function leaseIdentity(store: Pick<Store, 'leaseIdentity'>, key: string): LeaseIdentity {
  return store.leaseIdentity?.(key) ?? [store, key]
}

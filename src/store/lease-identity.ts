/** Identifies the lease of a key, so that caches that share a store recognise each other's computations. */
import type { Store } from './store.ts'

/** The store that holds the lease of a key, and the key there. */
export type LeaseIdentity = readonly [store: object, key: string]

/** Returns the identity of a key's lease. A store that is made of other stores names the one that holds the lease. */
export function leaseIdentity(store: Pick<Store, 'leaseIdentity'>, key: string): LeaseIdentity {
  return store.leaseIdentity?.(key) ?? [store, key]
}

import { type Cache, cacheOver, memoryCache, tieredCache } from 'pgstash'
import { KeyValueStore, type TransactionalStorage } from './own-store.ts'

/** A cache in the storage of a Durable Object, for all who call the object; hot entries stay in its memory. */
export function createObjectCache(storage: TransactionalStorage): Cache {
  const l2 = cacheOver(new KeyValueStore(storage), { expiration: '10m', timeout: '2s', onError: 'miss' })
  return tieredCache({ l1: memoryCache({ maxEntries: 1_000 }), l2, l1Expiration: '1m' })
}

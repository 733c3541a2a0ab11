import type { Cache } from 'pgstash'
import { unstorageDriver } from 'pgstash/unstorage'
import { createStorage } from 'unstorage'

/** A storage in a cache of the program's own, whatever driver and options that has. */
export function storageIn(cache: Cache) {
  return createStorage({ driver: unstorageDriver({ cache, namespace: 'storage' }) })
}

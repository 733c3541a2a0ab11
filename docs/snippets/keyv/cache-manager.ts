import { createCache as createCacheManager } from 'cache-manager'
import Keyv from 'keyv'
import type { Cache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'

export const managerOver = (cache: Cache) =>
  createCacheManager({ stores: [new Keyv({ store: keyvStore(cache), namespace: 'shop' })], ttl: 60_000 })

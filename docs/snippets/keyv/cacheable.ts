import { Cacheable } from 'cacheable'
import Keyv from 'keyv'
import type { Cache } from 'pgstash'
import { keyvStore } from 'pgstash/keyv'

export const cacheableOver = (cache: Cache) =>
  new Cacheable({ secondary: new Keyv({ store: keyvStore(cache) }), namespace: 'shop', ttl: '1h' })

// cache-handler.mjs
import { createCache } from 'pgstash'
import { cacheHandlers } from 'pgstash/next'

export const cache = createCache.fromEnv()
export default cacheHandlers(cache)

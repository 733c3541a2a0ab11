// incremental-handler.mjs
import { cacheHandler } from 'pgstash/next'
import { cache } from './cache-handler.mjs'

export default cacheHandler(cache)

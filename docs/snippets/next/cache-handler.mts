// cache-handler.mjs
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { cacheHandlers } from 'pgstash/next'

export const cache = createCache(() => drizzle(process.env.DATABASE_URL ?? ''))
export default cacheHandlers(cache)

// open-next.config.ts
import { neon } from '@neondatabase/serverless'
import { defineCloudflareConfig } from '@opennextjs/cloudflare'
import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'
import { incrementalCache, queue, tagCache } from 'pgstash/opennext'

// OpenNext loads this file while it builds, so create the cache at the first request.
const cache = () => createCache(() => drizzle(neon(process.env.DATABASE_URL ?? '')), { onError: 'miss' })

export default defineCloudflareConfig({
  incrementalCache: incrementalCache(cache),
  tagCache: tagCache(cache),
  queue: queue(cache),
})

import { waitUntil } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache } from 'pgstash'

let cache: Cache | undefined

/** One cache for all requests of an isolate; its refreshes go on after the response of the request that began them. */
export function cacheOf(env: { DATABASE_URL: string }): Cache {
  cache ??= createCache(drizzle(env.DATABASE_URL), { waitUntil, onError: 'miss', timeout: 1_000 })
  return cache
}

import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import type { Context } from 'hono'
import { type Cache, createCache, memoryCache, tieredCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { type Bindings, pages } from './app.ts'

let cache: Cache | undefined

function cacheOf({ env }: Context<{ Bindings: Bindings }>): Cache {
  neonConfig.fetchEndpoint = () => env.ENDPOINT
  const l2 = () => createCache(drizzle(neon(env.DATABASE_URL)), { timeout: 60_000 })
  cache ??= tieredCache({ l1: memoryCache(), l2: l2() })
  return cache
}

export default pages(responseCache({ cache: cacheOf }))

import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import type { Context } from 'hono'
import { type Cache, createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'
import { type Bindings, pages } from './app.ts'

let cache: Cache | undefined

function cacheOf({ env }: Context<{ Bindings: Bindings }>): Cache {
  neonConfig.fetchEndpoint = () => env.ENDPOINT
  cache ??= createCache(drizzle(neon(env.DATABASE_URL)), { timeout: 60_000 })
  return cache
}

export default pages(responseCache({ cache: cacheOf }))

import { neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache } from 'pgstash'

interface Env {
  DATABASE_URL: string
  NEON_FETCH_ENDPOINT?: string
}

let cache: Cache | undefined

function cacheOf({ DATABASE_URL: url, NEON_FETCH_ENDPOINT: endpoint }: Env): Cache {
  if (!url) throw new Error('DATABASE_URL is not set')
  if (endpoint) neonConfig.fetchEndpoint = () => endpoint
  cache ??= createCache(drizzle(url), { expiration: '10m' })
  return cache
}

export default {
  fetch: async (_request: Request, env: Env) => Response.json(await cacheOf(env).increment('visits')),
}

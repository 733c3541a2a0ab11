import { neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache, enableLocalNeon } from 'pgstash'

enableLocalNeon(neonConfig) // `localhost` means `pgstash dev`; all other hosts are Neon's
let cache: Cache | undefined // one per isolate

export default {
  async fetch(_request: Request, env: { DATABASE_URL: string }) {
    cache ??= createCache(() => drizzle(env.DATABASE_URL), { expiration: '10m' })
    return new Response(await cache.getOrSet('report', () => `Computed at ${new Date().toISOString()}`))
  },
}

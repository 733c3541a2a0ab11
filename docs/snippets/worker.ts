import { neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache, enableLocalNeon } from 'pgstash'
import { scheduledCleanup } from 'pgstash/cron'

interface Env {
  DATABASE_URL: string
}

enableLocalNeon(neonConfig)

// All requests of an isolate share one cache, because it prepares each statement once.
let cache: Cache | undefined
const cacheOf = (env: Env) => (cache ??= createCache(drizzle(env.DATABASE_URL), { expiration: '10m', onError: 'miss' }))

export default {
  async fetch(request: Request, env: Env) {
    const { pathname } = new URL(request.url)
    const body = await cacheOf(env).getOrSet(pathname, () => `Computed at ${new Date().toISOString()}`)
    return new Response(body)
  },
  // In wrangler.toml: [triggers] crons = ["0 * * * *"]
  scheduled: scheduledCleanup(cacheOf, { onResult: (result) => console.log('cleanup', result) }),
}

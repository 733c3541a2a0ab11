import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache } from 'pgstash'
import { scheduledCleanup } from 'pgstash/cron'

interface Env {
  DATABASE_URL: string
}

// One for all requests of an isolate: it prepares each statement once.
let cache: Cache | undefined
const cacheOf = (env: Env) => (cache ??= createCache(drizzle(env.DATABASE_URL), { expiration: '10m' }))

export default {
  async fetch(request: Request, env: Env) {
    const { pathname } = new URL(request.url)
    const stored = await cacheOf(env).get<string>(pathname)
    if (stored !== undefined) return new Response(stored, { headers: { 'x-cache': 'hit' } })
    const body = `Computed at ${new Date().toISOString()}`
    await cacheOf(env).set(pathname, body)
    return new Response(body, { headers: { 'x-cache': 'miss' } })
  },
  // In wrangler.toml: [triggers] crons = ["0 * * * *"]
  scheduled: scheduledCleanup(cacheOf, { onResult: (result) => console.log('cleanup', result) }),
}

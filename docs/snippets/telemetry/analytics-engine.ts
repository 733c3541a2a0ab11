import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache } from 'pgstash'
import { type AnalyticsEngineBinding, analyticsEngineListener } from 'pgstash/telemetry'

interface Env {
  DATABASE_URL: string
  CACHE_EVENTS: AnalyticsEngineBinding
}

let cache: Cache | undefined
const cacheOf = (env: Env) =>
  (cache ??= createCache(drizzle(env.DATABASE_URL), {
    expiration: '10m',
    onEvent: analyticsEngineListener(env.CACHE_EVENTS, { name: 'pages' }),
  }))

export default {
  async fetch(request: Request, env: Env) {
    const { pathname } = new URL(request.url)
    return new Response(await cacheOf(env).getOrSet(pathname, () => `Computed at ${new Date().toISOString()}`))
  },
}

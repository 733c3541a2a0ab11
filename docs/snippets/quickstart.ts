import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'

export default {
  async fetch(_request: Request, env: { DATABASE_URL: string }) {
    const cache = createCache(drizzle(env.DATABASE_URL), { expiration: '10m' })
    const report = await cache.getOrSet('report', async () => `Computed once, at ${new Date().toISOString()}`)
    return new Response(report)
  },
}

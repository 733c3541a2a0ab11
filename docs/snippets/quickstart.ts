import { drizzle } from 'drizzle-orm/neon-http'
import { createCache } from 'pgstash'

export default {
  async fetch(_request: Request, env: { DATABASE_URL: string }) {
    const cache = createCache(drizzle(env.DATABASE_URL), { expiration: '10m' })
    const greeting = await cache.get<string>('greeting')
    if (greeting === undefined) await cache.set('greeting', 'Hello from Postgres')
    return new Response(greeting ?? 'A miss: it is stored now, ask again.')
  },
}

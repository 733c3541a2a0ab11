import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { type CacheVariables, cacheMiddleware } from 'pgstash/hono'

type Env = { Bindings: { DATABASE_URL: string }; Variables: CacheVariables }

export default new Hono<Env>()
  .use(cacheMiddleware<Env['Bindings']>({ cache: (env) => createCache(drizzle(env.DATABASE_URL)) }))
  .get('/', async (c) => {
    const compute = () => `Computed at ${new Date().toISOString()}`
    // A stale page is served at once, and refreshed after the response.
    return c.text(await c.var.cache.getOrSet('page', compute, { expiration: '1m', stale: '1h' }))
  })

/** A Worker with everything of `pgstash/hono`, like a program on Cloudflare. Bundled by runtimes.test.ts. */
import { neon, neonConfig } from '@neondatabase/serverless'
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { addressKey, type CacheVariables, cacheMiddleware, rateLimit } from 'pgstash/hono'

interface Bindings {
  ENDPOINT: string
  DATABASE_URL: string
}
type Env = { Bindings: Bindings; Variables: CacheVariables }

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export default new Hono<Env>()
  .use(
    cacheMiddleware({
      cache(env: Bindings) {
        neonConfig.fetchEndpoint = () => env.ENDPOINT
        return createCache(drizzle(neon(env.DATABASE_URL)), { timeout: 60_000 })
      },
    }),
  )
  .use(
    '/limited',
    rateLimit<Env>({
      cache: (c) => c.var.cache,
      limit: 50,
      period: '1m',
      key: (c) => addressKey(c.req.header('cf-connecting-ip')),
      timeout: 60_000,
    }),
  )
  .get('/limited', (c) => c.text('welcome'))
  .get('/page/:value', async (c) => {
    const compute = async () => {
      while (!(await c.var.cache.has('may compute'))) await pause(50)
      return c.req.param('value')
    }
    return c.text(await c.var.cache.getOrSet('page', compute, { expiration: '1m', stale: '1h' }))
  })

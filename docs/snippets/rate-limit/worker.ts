import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { addressKey, type CacheVariables, cacheMiddleware, rateLimit } from 'pgstash/hono'

type Env = { Bindings: { DATABASE_URL: string }; Variables: CacheVariables }

const app = new Hono<Env>()

app.use(cacheMiddleware<Env['Bindings']>({ cache: (env) => createCache(drizzle(env.DATABASE_URL)) }))
app.use(
  '/api/*',
  rateLimit<Env>({
    cache: (c) => c.var.cache,
    limit: 100,
    period: '1m',
    key: (c) => addressKey(c.req.header('cf-connecting-ip')),
  }),
)
app.get('/api/hello', (c) => c.json({ hello: 'world' }))

export default app

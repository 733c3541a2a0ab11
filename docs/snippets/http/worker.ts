import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { type Cache, createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

interface Env {
  Bindings: { DATABASE_URL: string }
}

// All requests of an isolate share one cache, because it prepares each statement once.
let cache: Cache | undefined

const app = new Hono<Env>()
app.use(
  responseCache({
    // Do not wait long for a slow cache: the handler can answer instead.
    cache: (c) => (cache ??= createCache(drizzle(c.env.DATABASE_URL), { timeout: 1_000 })),
    stale: '1h',
    staleIfError: '1d',
    refresh: (request, c) => app.fetch(request, c.env, c.executionCtx),
  }),
)
app.get('/report', (c) => c.json({ madeAt: new Date() }, 200, { 'cache-control': 'public, max-age=60', etag: '"v1"' }))

export default app

import { env, waitUntil } from 'cloudflare:workers'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

const cache = createCache.fromEnv(env, { waitUntil })

const app = new Hono()
// A stale page is served at once, and refreshed by a second run of the application.
const refresh = (request: Request) => app.fetch(request)
app.use('/pages/*', responseCache({ cache, stale: '1h', refresh }))
app.get('/pages/home', (c) =>
  c.html(`<h1>Made at ${new Date().toISOString()}</h1>`, 200, { 'cache-control': 'max-age=60' }),
)

export default app

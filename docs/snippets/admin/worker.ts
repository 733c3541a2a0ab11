import { waitUntil } from 'cloudflare:workers'
import { drizzle } from 'drizzle-orm/neon-http'
import { Hono } from 'hono'
import { type Cache, createCache } from 'pgstash'
import { cacheAdmin, cloudflareAccess } from 'pgstash/admin'
import { historyListener } from 'pgstash/telemetry'

interface Env {
  DATABASE_URL: string
}

let cache: Cache | undefined

function cacheOf(env: Env): Cache {
  if (cache === undefined) {
    const db = drizzle(env.DATABASE_URL)
    cache = createCache(db, { expiration: '10m', onEvent: historyListener(db, { waitUntil }) })
  }
  return cache
}

// The team's name, and the application's tag: Zero Trust, Access, Applications, Overview.
const authorize = cloudflareAccess({ team: 'acme', audience: '32eafc7626e737df8f6f4e4a4c9f8c6d' })

const app = new Hono<{ Bindings: Env }>()
app.route('/cache', cacheAdmin({ cache: (c) => cacheOf(c.env), authorize }))
app.get('/', async (c) =>
  c.text(await cacheOf(c.env).getOrSet('page', () => `Computed at ${new Date().toISOString()}`)),
)

export default app

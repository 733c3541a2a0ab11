// src/index.ts
import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import { scheduledCleanup } from 'pgstash/cron'

// All requests of an isolate share one cache. It holds no connection.
const cache = createCache.fromEnv(env, { expiration: '10m' })

const app = new Hono()
app.get('/reports/:city', async (c) => {
  const city = c.req.param('city')
  return c.json(await cache.getOrSet(`report:${city}`, () => report(city)))
})

/** Stands for a slow query or a paid API. */
async function report(city: string) {
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  return { city, madeAt: new Date().toISOString() }
}

export default { fetch: app.fetch, scheduled: scheduledCleanup(cache) }

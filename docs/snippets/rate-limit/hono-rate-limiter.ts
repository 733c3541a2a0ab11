import { type Context, Hono } from 'hono'
import { rateLimiter } from 'hono-rate-limiter'
import type { Cache } from 'pgstash'
import { rateLimiterStore } from 'pgstash/hono'

export function api(cache: Cache, keyGenerator: (c: Context) => string) {
  const store = rateLimiterStore(cache, { prefix: 'api-limit' })
  return new Hono()
    .use(rateLimiter({ windowMs: 60_000, limit: 100, standardHeaders: 'draft-7', keyGenerator, store }))
    .get('/', (c) => c.text('welcome'))
}

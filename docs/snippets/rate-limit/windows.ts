import { type Context, Hono } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit } from 'pgstash/hono'

/** Allows at most 10 requests in a second, and 1,000 in a day. */
export function api(cache: Cache, key: (c: Context) => string) {
  return new Hono()
    .use(rateLimit({ cache, key, name: 'burst', limit: 10, period: '1s' }))
    .use(rateLimit({ cache, key, name: 'daily', limit: 1_000, period: '1d' }))
    .get('/', (c) => c.text('welcome'))
}

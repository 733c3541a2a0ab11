import type { Context } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit } from 'pgstash/hono'

type Key = (c: Context) => string

/** At most 100 requests in about any minute. */
export const steady = (cache: Cache, key: Key) =>
  rateLimit({ cache, key, name: 'steady', limit: 100, period: '1m', algorithm: 'sliding-window' })

/** Bursts of 20 requests, and then 5 in a second. An export counts as ten requests. */
export const bursts = (cache: Cache, key: Key) =>
  rateLimit({
    cache,
    key,
    name: 'bursts',
    algorithm: 'token-bucket',
    limit: 20,
    refill: 5,
    period: '1s',
    cost: (c) => (c.req.path === '/export' ? 10 : 1),
    blockList: true,
  })

/** An app on Hono, and mistakes in one that the types catch. */
import { Hono } from 'hono'
import type { Cache, LimitResult } from 'pgstash'
import {
  addressKey,
  type CacheVariables,
  cacheMiddleware,
  type RateLimitOptions,
  rateLimit,
  rateLimiterStore,
  rateLimitKey,
} from 'pgstash/hono'

interface User {
  id: string
}
type Env = { Bindings: { DATABASE_URL: string }; Variables: CacheVariables & { user: User } }

export function app(make: (url: string) => Cache): Hono<Env> {
  const perUser: RateLimitOptions<Env> = {
    cache: (c) => c.var.cache,
    limit: async (c) => (c.env.DATABASE_URL === '' ? 0 : 10),
    period: { minutes: 1 },
    key: (c) => c.var.user.id,
    skip: (c) => c.req.method === 'OPTIONS',
    headers: false,
    onLimit: (c, result: LimitResult) => c.text(String(result.resetMs), 429),
  }
  const hono = new Hono<Env>()
  hono.use(cacheMiddleware<Env['Bindings']>({ cache: (env) => make(env.DATABASE_URL) }))
  hono.use(rateLimit(perUser))
  hono.post('/', rateLimit<Env>({ ...perUser, key: (c) => addressKey(c.req.header('cf-connecting-ip')) }), (c) =>
    c.text(''),
  )
  return hono
}

export async function chained(cache: Cache): Promise<Response> {
  const hono = new Hono().use(cacheMiddleware({ cache })).get('/', async (c) => {
    const name: string | undefined = await c.var.cache.get<string>('name')
    const { totalHits } = await rateLimiterStore(cache).increment(rateLimitKey('name', name ?? ''))
    return c.json(totalHits)
  })
  return hono.request('/')
}

export function mistakes(cache: Cache): void {
  // @ts-expect-error whom to count for has no default
  rateLimit({ cache, limit: 1, period: '1m' })
  // @ts-expect-error no such draft
  rateLimit({ cache, limit: 1, period: '1m', key: () => '', headers: 'draft-6' })
  // @ts-expect-error a header may be missing
  rateLimit({ cache, limit: 1, period: '1m', key: (c) => c.req.header('x-user') })
  // @ts-expect-error without cacheMiddleware there is no cache on the context
  new Hono().get('/', (c) => c.json(c.var.cache))
}

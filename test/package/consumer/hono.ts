/** An app on Hono, and mistakes in one that the types catch. */
import { Hono } from 'hono'
import type { Cache, LimitResult } from 'pgstash'
import { type Authorize, basic, cacheAdmin, cloudflareAccess } from 'pgstash/admin'
import {
  addressKey,
  type CacheVariables,
  cacheMiddleware,
  type RateLimitOptions,
  rateLimit,
  rateLimiterStore,
  rateLimitKey,
  type SessionData,
  sessionStore,
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

/** The admin pages. The environment names the users. */
export function withAdmin(hono: Hono<Env>, cache: Cache, password: string): Hono<Env> {
  const own: Authorize = (c) => c.req.header('x-team') === 'ours'
  const access = cloudflareAccess({ team: 'acme', audience: 'tag', allow: (email) => email === 'ada@acme.example' })
  hono.route('/cache', cacheAdmin({ cache, authorize: basic({ user: 'ada', password }), readOnly: true }))
  hono.route('/own', cacheAdmin({ cache: (c) => c.var.cache, authorize: own, readOnly: (c) => c.req.method === 'GET' }))
  hono.route('/access', cacheAdmin({ cache, authorize: access, title: 'Shop', history: 'shop' }))
  // @ts-expect-error nobody is admitted by default
  cacheAdmin({ cache })
  return hono
}

export async function loadSession(cache: Cache, id: string): Promise<SessionData | null> {
  return sessionStore(cache, { expiration: '1h', maxAge: { days: 7 } }).getSessionById(id)
}

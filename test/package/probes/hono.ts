/** `pgstash/hono`: a limited app with a cache on the context. */
import { Hono } from 'hono'
import { createCache } from 'pgstash'
import {
  addressKey,
  type CacheVariables,
  cacheMiddleware,
  rateLimit,
  rateLimiterStore,
  rateLimitKey,
  responseCache,
  sessionStore,
} from 'pgstash/hono'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { timeout: 60_000, namespace: `hono ${env.RUNTIME}` })
  await cache.clear()
  const app = new Hono<{ Variables: CacheVariables }>()
    .use(cacheMiddleware({ cache }))
    .use(
      rateLimit<{ Variables: CacheVariables }>({
        cache: (c) => c.var.cache,
        limit: 1,
        period: '1m',
        key: (c) => addressKey(c.req.header('x-address')),
        name: 'probe',
      }),
    )
    .get('/', (c) => c.text('welcome'))
  const pages = new Hono()
    .use(responseCache({ cache }))
    .get('/', (c) => c.text('Hello', 200, { 'cache-control': 'max-age=60' }))
  const statuses: unknown[] = []
  for (const _ of ['miss', 'hit']) {
    const page = await pages.request('https://example.com/')
    statuses.push([await page.text(), page.headers.get('cache-status')?.split(';')[1]])
  }
  const call = () => app.request('/', { headers: { 'x-address': '2001:db8::1' } })
  const [passed, refused] = [await call(), await call()]

  const store = rateLimiterStore(cache)
  store.init({ windowMs: 60_000 })
  const sessions = sessionStore(cache)
  await sessions.createSession('id', { _data: {}, _expire: null, _delete: false, _accessed: null })
  return {
    pages: statuses,
    statuses: [passed.status, refused.status],
    policy: passed.headers.get('ratelimit-policy'),
    retries: refused.headers.has('retry-after'),
    hits: [(await store.increment('client')).totalHits, (await store.increment('client')).totalHits],
    sessions: [await sessions.getSessionById('id'), await sessions.getSessionById('other')],
    forgotten: await cache.delete(rateLimitKey('probe', '2001:db8:0:0::/64')),
  }
}

export const expected = {
  pages: [
    ['Hello', 'fwd=uri-miss'],
    ['Hello', 'hit'],
  ],
  statuses: [200, 429],
  policy: '"probe";q=1;w=60',
  retries: true,
  hits: [1, 2],
  sessions: [{ _data: {}, _expire: null, _delete: false, _accessed: null }, null],
  forgotten: true,
}

/** `pgstash/fetch`: a limited handler, and the route for purges, without a framework. */
import { createCache } from 'pgstash'
import { addressKey, purge, purgeRoute, purgeStatements, rateLimit, rateLimitKey } from 'pgstash/fetch'
import { migrate } from 'pgstash/migrate'
import type { Probe } from './probe.ts'
import { database } from './probe.ts'

const SECRET = 'right-and-sixteen'
const URL_A = 'https://example.com/caf%c3%a9'

export const run: Probe = async (env) => {
  const db = database(env)
  await migrate(db)
  const cache = createCache(db, { timeout: 60_000, namespace: `fetch ${env.RUNTIME}` })
  await cache.clear()
  const handle = rateLimit((request: Request) => Response.redirect(`${request.url}elsewhere`, 302), {
    cache,
    limit: 1,
    period: '1m',
    key: (request) => addressKey(request.headers.get('x-address')),
    name: 'probe',
  })
  const call = () => handle(new Request('https://example.com/', { headers: { 'x-address': '2001:db8::1' } }))
  const [passed, refused] = [await call(), await call()]

  const route = purgeRoute({ cache, secret: SECRET })
  const ask = (secret: string, method = 'POST') =>
    route(
      new Request('https://example.com/purge', {
        method,
        headers: { authorization: `Bearer ${secret}` },
        ...(method === 'POST' && { body: JSON.stringify({ urls: [URL_A] }) }),
      }),
    )
  const answered = await ask(SECRET)
  return {
    statuses: [passed.status, refused.status],
    policy: passed.headers.get('ratelimit-policy'),
    retries: refused.headers.has('retry-after'),
    forgotten: await cache.delete(rateLimitKey('probe', '2001:db8:0:0::/64')),
    purged: [await purge(cache, { urls: [URL_A] }), purgeStatements(db, { urls: [URL_A] }).length],
    route: [answered.status, await answered.json(), (await ask('wrong')).status, (await ask(SECRET, 'GET')).status],
  }
}

export const expected = {
  statuses: [302, 429],
  policy: '"probe";q=1;w=60',
  retries: true,
  forgotten: true,
  purged: [0, 2],
  route: [200, { purged: 0 }, 401, 405],
}

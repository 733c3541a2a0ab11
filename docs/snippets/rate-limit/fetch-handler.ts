import { drizzle } from 'drizzle-orm/neon-http'
import { type Cache, createCache } from 'pgstash'
import { addressKey, rateLimit } from 'pgstash/fetch'

interface Env {
  DATABASE_URL: string
}

let cache: Cache | undefined
const cacheOf = (env: Env) => (cache ??= createCache(drizzle(env.DATABASE_URL)))

const hello = (request: Request, _env: Env) => Response.json({ hello: new URL(request.url).pathname })

export default {
  fetch: rateLimit(hello, {
    cache: (_request, env) => cacheOf(env),
    limit: 100,
    period: '1m',
    key: (request) => addressKey(request.headers.get('cf-connecting-ip')),
  }),
}

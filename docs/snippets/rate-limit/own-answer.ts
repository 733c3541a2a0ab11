import type { Context } from 'hono'
import type { Cache } from 'pgstash'
import { rateLimit } from 'pgstash/hono'

/** Logs every refusal, and answers it with a page of its own. */
export const pages = (cache: Cache, key: (c: Context) => string) =>
  rateLimit({
    cache,
    key,
    name: 'pages',
    limit: 300,
    period: '5m',
    onLimit(c, { count, resetMs }) {
      console.warn('refused', { path: c.req.path, count })
      return c.html(`<p>Too many requests. Try again in ${Math.ceil(resetMs / 1000)} seconds.</p>`, 429)
    },
    onError: (error, c) => console.error('not limited', c.req.path, error),
  })

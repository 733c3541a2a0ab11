import { Hono } from 'hono'
import { proxy } from 'hono/proxy'
import type { Cache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

/** Caches a site that cannot be changed. The origin answers every request that the cache cannot. */
export function inFrontOf(origin: string, cache: Cache): Hono {
  const app = new Hono()
  app.use(
    responseCache({ cache, heuristic: true, staleIfError: '1d', query: { ignore: ['utm_*', 'fbclid', 'gclid'] } }),
  )
  app.all('*', (c) => {
    const { host, pathname, search } = new URL(c.req.url)
    // Drop these fields, because the client can forge them.
    const { 'x-forwarded-for': _, forwarded: __, ...headers } = c.req.header()
    // Use `c.req.raw`: it carries the validators of the stored response in place of the client's conditions.
    return proxy(new URL(pathname + search, origin), {
      raw: c.req.raw,
      headers: { ...headers, 'x-forwarded-host': host },
      redirect: 'manual',
    })
  })
  return app
}

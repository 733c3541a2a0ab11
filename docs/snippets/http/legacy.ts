import { Hono } from 'hono'
import { proxy } from 'hono/proxy'
import type { Cache } from 'pgstash'
import { responseCache } from 'pgstash/hono'

/** Stands before a site that cannot be changed: the cache answers what it may, the origin all else. */
export function inFrontOf(origin: string, cache: Cache): Hono {
  const app = new Hono()
  app.use(
    responseCache({ cache, heuristic: true, staleIfError: '1d', query: { ignore: ['utm_*', 'fbclid', 'gclid'] } }),
  )
  app.all('*', (c) => {
    const { host, pathname, search } = new URL(c.req.url)
    // What a client says of the way that it came is not passed on.
    const { 'x-forwarded-for': _, forwarded: __, ...headers } = c.req.header()
    // The request as the cache has it: with the validators of what is stored in place of the client's conditions.
    return proxy(new URL(pathname + search, origin), {
      raw: c.req.raw,
      headers: { ...headers, 'x-forwarded-host': host },
      redirect: 'manual',
    })
  })
  return app
}

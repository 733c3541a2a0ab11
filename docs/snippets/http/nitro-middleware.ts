import { drizzle } from 'drizzle-orm/neon-http'
import { defineMiddleware, type H3Event, toResponse, withCacheIsolation } from 'nitro/h3'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'

const cached = withResponseCache(
  async (request: Request, e: H3Event, next: () => unknown) => {
    const { ip, runtime, waitUntil, context } = e.req
    if (request !== e.req) Object.assign(e, { req: Object.assign(request, { ip, runtime, waitUntil, context }) })
    return toResponse(await next(), e)
  },
  { cache: createCache(() => drizzle(process.env.DATABASE_URL ?? '')) },
)
export default defineMiddleware((event, next) =>
  event.context.matchedRoute ? withCacheIsolation((e: H3Event) => cached(e.req, e, next))(event) : next(),
)

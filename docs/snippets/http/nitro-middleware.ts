// server/middleware/cache.ts
import { drizzle } from 'drizzle-orm/neon-http'
import { defineMiddleware, type H3Event, toResponse, withCacheIsolation } from 'nitro/h3'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'

const cached = withResponseCache(
  async (req: Request, event: H3Event, next: () => unknown) => {
    Object.assign(event, { req })
    return toResponse(await next(), event)
  },
  { cache: createCache(() => drizzle(process.env.DATABASE_URL ?? '')), waitUntil: false },
)
export default defineMiddleware((event, next) =>
  event.context.matchedRoute ? withCacheIsolation((e: H3Event) => cached(e.req, e, next))(event) : next(),
)

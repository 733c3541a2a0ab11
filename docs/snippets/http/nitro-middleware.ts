// server/middleware/cache.ts
import { defineMiddleware, type H3Event, toResponse, withCacheIsolation } from 'nitro/h3'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'

const cached = withResponseCache(
  async (req: Request, event: H3Event, next: () => unknown) => {
    Object.assign(event, { req })
    return toResponse(await next(), event)
  },
  { cache: createCache.fromEnv(process.env), waitUntil: false },
)
export default defineMiddleware((event, next) =>
  event.context.matchedRoute ? withCacheIsolation((e: H3Event) => cached(e.req, e, next))(event) : next(),
)

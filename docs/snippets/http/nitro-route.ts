// server/utils/cached.ts
import { defineHandler, type EventHandler, H3Event, toResponse } from 'nitro/h3'
import { createCache } from 'pgstash'
import { withResponseCache } from 'pgstash/fetch'

const respond = withResponseCache(
  async (request: Request, handler: EventHandler, { context, app }: H3Event) => {
    const event = new H3Event(request, context, app)
    return toResponse(await handler(event), event)
  },
  { cache: createCache.fromEnv(process.env) },
)
export const cached = (handler: EventHandler) => defineHandler((event) => respond(event.req, handler, event))

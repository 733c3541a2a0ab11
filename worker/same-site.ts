import { createMiddleware } from 'hono/factory'
import type { AppEnv } from './env.ts'

/**
 * Refuses writes that a browser sends for another site.
 *
 * The demonstration has no users and no login. A page of another site must still not change the data behind a worker on this
 * machine. Programs such as curl send neither header and may write. Put a real check here before you deploy it with data that
 * matters.
 */
export const sameSiteWrites = createMiddleware<AppEnv>(async (c, next) => {
  const site = c.req.header('sec-fetch-site')
  const origin = c.req.header('origin')
  const fromElsewhere =
    site !== undefined
      ? site !== 'same-origin' && site !== 'none'
      : origin !== undefined && origin !== new URL(c.req.url).origin
  if (fromElsewhere) return c.json({ error: 'Writes from other sites are refused.' }, 403)
  return next()
})

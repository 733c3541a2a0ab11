import { Hono } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { createPurgeRouteSteps, type PurgeRouteOptions } from '../response-cache/purge-route.ts'

/**
 * Creates a route that purges responses.
 *
 * It accepts `POST` with a JSON body of `urls`, `prefixes`, `tags` and `soft`, and answers `{ "purged": number }`.
 *
 * For a request without the secret, it throws an HTTPException with 401, like Hono's `bearerAuth`. While no secret is
 * configured, every request gets 500, and `console.error` gets the reason.
 *
 * @throws InvalidOptionError if the secret is neither a string nor undefined, or too short to be safe
 * @example
 * app.route('/purge', purgeRoute({ cache, secret: env.PURGE_SECRET }))
 */
export function purgeRoute(options: PurgeRouteOptions): Hono {
  const { refuse, answer } = createPurgeRouteSteps(options)
  return new Hono()
    .use(async (c, next) => {
      const refusal = refuse(c.req.raw)
      if (refusal === undefined) return next()
      if (refusal.status < 500) throw new HTTPException(refusal.status as 400 | 401, { res: refusal })
      return c.newResponse(refusal.body, refusal)
    })
    .post('/', async (c) => {
      // Read the body through Hono, which caches it if middleware in front has already read it.
      const response = await answer(() => c.req.json())
      // Do not return the response itself, because Hono would drop the header fields that middleware in front set.
      return c.newResponse(response.body, response)
    })
}

import type { Context } from 'hono'

/**
 * Decides who may see the pages: `true` and nothing else admits. A `Response` is answered in its place, for a redirect to a
 * login; everything else is 403, and a throw 500 without details.
 */
export type Authorize = (c: Context) => boolean | Response | Promise<boolean | Response>

/** Says how to present oneself. */
export function unauthorized(challenge: string): Response {
  return new Response('Unauthorized', {
    status: 401,
    headers: { 'www-authenticate': challenge, 'content-type': 'text/plain; charset=utf-8' },
  })
}

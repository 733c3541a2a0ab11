import type { Context } from 'hono'

/**
 * Decides who may see the pages. Only `true` admits. A `Response` is sent in place of the page, for example a redirect
 * to a login. Any other result gives 403, and an exception gives 500 without details.
 */
export type Authorize = (c: Context) => boolean | Response | Promise<boolean | Response>

/** Answers 401 with the scheme that the client must use. */
export function unauthorized(challenge: string): Response {
  return new Response('Unauthorized', {
    status: 401,
    headers: { 'www-authenticate': challenge, 'content-type': 'text/plain; charset=utf-8' },
  })
}

/** The header fields that Hono's context has before the handlers behind the cache run. */
import type { Context, Next } from 'hono'

/** Returns a copy of the fields that the context has before the handler runs. */
export function frontFieldsOf(c: Context): Headers {
  // A new response has them, whether they were set by `c.header` or on `c.res`. Reading `c.res` would change how Hono merges.
  return new Headers(c.newResponse(null, 200).headers)
}

/**
 * Runs the handler without the cookies that middleware in front set. If `c.res` has cookies, Hono drops those of a response that
 * replaces it. Then a response that sets a cookie would look as if it could be stored.
 */
export async function runWithoutFrontCookies(c: Context, front: Headers, next: Next): Promise<void> {
  const cookies = front.getSetCookie()
  if (cookies.length > 0) c.header('set-cookie', undefined)
  try {
    await next()
  } catch (error) {
    for (const cookie of cookies) c.header('set-cookie', cookie, { append: true })
    throw error
  }
}

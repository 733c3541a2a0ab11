import { Hono } from 'hono'
import { NONCE, secureHeaders } from 'hono/secure-headers'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { renderPage } from '../page/page.ts'
import { VIEWS_KEY } from './views.ts'

/** `GET /` returns the page. All code is inline. A nonce of each request allows it, and forbids all other code. */
export const page = new Hono<AppEnv>().get(
  '/',
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: [NONCE],
      styleSrc: [NONCE],
      connectSrc: ["'self'"],
      imgSrc: ['data:'],
      baseUri: ["'none'"],
      formAction: ["'none'"],
      frameAncestors: ["'none'"],
    },
    // The header has no use over plain HTTP on this machine. A deployed worker is behind HTTPS anyway.
    strictTransportSecurity: false,
  }),
  (c) => {
    // The response does not wait for the counter, and is sent even if counting fails.
    if (c.req.method === 'GET') c.executionCtx.waitUntil(countView(c.env))
    return c.html(renderPage(c.get('secureHeadersNonce') ?? ''), 200, { 'cache-control': 'no-store' })
  },
)

async function countView(env: AppEnv['Bindings']): Promise<void> {
  try {
    await servicesOf(env).cache.increment(VIEWS_KEY)
  } catch (error) {
    console.error(JSON.stringify({ event: 'view-not-counted', name: error instanceof Error ? error.name : 'unknown' }))
  }
}

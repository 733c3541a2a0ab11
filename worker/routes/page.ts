import { Hono } from 'hono'
import { NONCE, secureHeaders } from 'hono/secure-headers'
import { servicesOf } from '../database.ts'
import type { AppEnv } from '../env.ts'
import { renderPage } from '../page/page.ts'
import { VIEWS_KEY } from './views.ts'

/** `GET /`: the page. Everything is inline, and nothing else may run: the nonce is made for each request. */
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
    // Over plain HTTP on this machine it would be noise; a deployed worker is behind HTTPS anyway.
    strictTransportSecurity: false,
  }),
  (c) => {
    // Nobody waits for the counter, and a page that cannot be counted is still a page.
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

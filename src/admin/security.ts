/** What keeps the pages to those who may see them, and harmless to those who do. */
import type { MiddlewareHandler } from 'hono'
import { STYLE_HASH } from './style.ts'

/** Nothing runs, nothing is loaded but the one style and the icon, forms go nowhere else, and nobody frames it. */
const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${STYLE_HASH}`,
  'img-src data:',
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** What was stored is somebody else's: it may look as it likes, and do nothing. */
export const PREVIEW_POLICY = [
  'sandbox',
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
].join('; ')

const HEADERS = {
  'content-security-policy': PAGE_POLICY,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
} as const

/** Around everything, so that refusals and failures have them too. */
export const securityHeaders: MiddlewareHandler = async function securityHeaders(c, next) {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) {
    if (name !== 'content-security-policy' || !c.res.headers.has(name)) c.header(name, value)
  }
}

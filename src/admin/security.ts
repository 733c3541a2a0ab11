/** Response headers that protect the pages and their readers. */
import type { MiddlewareHandler } from 'hono'
import { STYLE_HASH } from './style.ts'

/** Forbids scripts, all content but the style and the icon, forms to other origins, and framing. */
const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${STYLE_HASH}`,
  'img-src data:',
  "frame-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** A stored page is not trusted: it may have its own style, but must not do anything. */
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

/** Runs around everything else, so that refusals and failures also get the headers. */
export const securityHeaders: MiddlewareHandler = async function securityHeaders(c, next) {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) {
    if (name !== 'content-security-policy' || !c.res.headers.has(name)) c.header(name, value)
  }
}

/** Accepts changes only from these pages: from the same origin, with a token that no other page can read. */
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { secretCheck } from '../values/secret.ts'

export const TOKEN_FIELD = 'token'
const TOKEN_BYTES = 16
const TOKEN = /^[0-9a-f]{32}$/

/** Returns the token of this browser, which each form carries. The first page creates it. */
export function tokenOf(c: Context): string {
  const known = getCookie(c, cookieName(c))
  if (known !== undefined && TOKEN.test(known)) return known
  const token = Array.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  // Lax, not Strict: with Strict, a link from another site arrives without the cookie. The new token would then
  // invalidate the forms in other tabs.
  setCookie(c, cookieName(c), token, { path: '/', httpOnly: true, sameSite: 'Lax', secure: isSecure(c) })
  return token
}

/** @throws HTTPException 403 if the token of the form differs from the token of the browser */
export function checkToken(c: Context, given: unknown): void {
  const known = getCookie(c, cookieName(c))
  if (known !== undefined && TOKEN.test(known) && typeof given === 'string' && secretCheck(known)(given)) return
  throw new HTTPException(403, { message: 'This form has expired. Go back, reload the page, and submit it again.' })
}

/** The prefix `__Host-` keeps other hosts of the domain from setting the cookie. */
function cookieName(c: Context): string {
  return `${isSecure(c) ? '__Host-' : ''}pgstash-admin`
}

function isSecure(c: Context): boolean {
  return new URL(c.req.url).protocol === 'https:'
}

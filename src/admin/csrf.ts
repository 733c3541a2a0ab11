/** Changes come from these pages only: from the same origin, and with a token that no other page can read. */
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { HTTPException } from 'hono/http-exception'
import { secretCheck } from '../values/secret.ts'

export const TOKEN_FIELD = 'token'
const TOKEN_BYTES = 16
const TOKEN = /^[0-9a-f]{32}$/

/** The token of this browser, which each form carries; made with the first page. */
export function tokenOf(c: Context): string {
  const known = getCookie(c, cookieName(c))
  if (known !== undefined && TOKEN.test(known)) return known
  const token = Array.from(crypto.getRandomValues(new Uint8Array(TOKEN_BYTES)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  // Lax, not Strict: a link from elsewhere would else arrive without it, and the new token would spoil forms in other tabs.
  setCookie(c, cookieName(c), token, { path: '/', httpOnly: true, sameSite: 'Lax', secure: isSecure(c) })
  return token
}

/** @throws HTTPException 403 where the form's token is not the browser's */
export function checkToken(c: Context, given: unknown): void {
  const known = getCookie(c, cookieName(c))
  if (known !== undefined && TOKEN.test(known) && typeof given === 'string' && secretCheck(known)(given)) return
  throw new HTTPException(403, { message: 'This form has expired. Go back, load the page again, and repeat it.' })
}

/** The prefix keeps other hosts of the domain from setting it. */
function cookieName(c: Context): string {
  return `${isSecure(c) ? '__Host-' : ''}pgstash-admin`
}

function isSecure(c: Context): boolean {
  return new URL(c.req.url).protocol === 'https:'
}

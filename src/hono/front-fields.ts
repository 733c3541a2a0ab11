/**
 * The header fields that middleware in front of the cache sets for one request, such as a request id or a session cookie. They
 * are not stored. Every answer gets those of its own request.
 */
import type { Context, Next } from 'hono'
import { describesContent, guidesCaches, listMembers, type Policy } from '../http/index.ts'

/** Lists to which middleware adds members. If both middleware in front and the stored response have one, the client gets both. */
const JOINED: ReadonlySet<string> = new Set(['cache-status', 'link', 'server-timing', 'vary', 'via'])

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

/**
 * Returns a copy of the fields that the handlers behind the cache set.
 *
 * A field with the value from the front, or with members appended to it, came from the front. Fields that guide caches or
 * describe the content stay, because the response was made under them.
 */
export function ownFields(headers: Headers, front: Headers, policy: Policy): Headers {
  const own = new Headers()
  const cookies = front.getSetCookie()
  for (const [name, value] of headers) {
    if (name === 'set-cookie') {
      if (!cookies.includes(value)) own.append(name, value)
      continue
    }
    const given = describesContent(name) || guidesCaches(name, policy) ? null : front.get(name)
    if (given === null || !hasPrefix(value, given)) own.set(name, value)
    else if (value !== given) own.set(name, value.slice(given.length + SEPARATOR.length))
  }
  return own
}

/** Returns the response with the fields from the front that it lacks: the response itself, or a copy if it lacks any. */
export function withFrontFields(response: Response, front: Headers): Response {
  if (front.keys().next().done) return response
  const headers = new Headers(response.headers)
  for (const name of new Set(front.keys())) {
    const value = front.get(name) ?? ''
    const own = headers.get(name)
    if (name === 'set-cookie') addCookies(headers, front.getSetCookie())
    // These fields describe the front's guess of the content. The stored response or its 304 knows better.
    else if (describesContent(name)) continue
    else if (own === null) headers.set(name, value)
    else if (JOINED.has(name) && !hasPrefix(own, value)) headers.set(name, join(value, own))
  }
  if (isSame(headers, response.headers)) return response
  const copy = new Response(response.body, response)
  for (const name of new Set(front.keys())) copy.headers.delete(name)
  for (const [name, value] of headers) if (front.has(name)) copy.headers.append(name, value)
  return copy
}

const SEPARATOR = ', '

function hasPrefix(value: string, prefix: string): boolean {
  return value === prefix || value.startsWith(prefix + SEPARATOR)
}

/** Puts the cookies in front of the response's own, and each once. */
function addCookies(headers: Headers, cookies: readonly string[]): void {
  const own = headers.getSetCookie().filter((cookie) => !cookies.includes(cookie))
  headers.delete('set-cookie')
  for (const cookie of [...cookies, ...own]) headers.append('set-cookie', cookie)
}

/** Joins two lists. Members that the second repeats, in any case, appear once. */
function join(first: string, second: string): string {
  const members = listMembers(first)
  const known = new Set(members.map((member) => member.toLowerCase()))
  return [...members, ...listMembers(second).filter((member) => !known.has(member.toLowerCase()))].join(SEPARATOR)
}

function isSame(a: Headers, b: Headers): boolean {
  return JSON.stringify([...a]) === JSON.stringify([...b])
}

/**
 * The header fields that middleware in front of the cache sets for one request, such as a request id or a session cookie. They
 * are not stored. Every answer gets the fields of its own request.
 */
import { describesContent, guidesCaches, listMembers, type Policy } from '../http/index.ts'

/** Lists to which middleware adds members. If both middleware in front and the stored response have one, the client gets both. */
const JOINED: ReadonlySet<string> = new Set(['cache-status', 'link', 'server-timing', 'vary', 'via'])

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

/** Adds the fields from the front that an answer lacks. */
export function addFrontFields(headers: Headers, front: Headers): void {
  for (const name of new Set(front.keys())) {
    const value = front.get(name) ?? ''
    const own = headers.get(name)
    if (name === 'set-cookie') addCookies(headers, front.getSetCookie())
    // The stored response describes its own content. Middleware in front can only guess it.
    else if (describesContent(name)) continue
    else if (own === null) headers.set(name, value)
    else if (JOINED.has(name) && !hasPrefix(own, value)) headers.set(name, join(value, own))
  }
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

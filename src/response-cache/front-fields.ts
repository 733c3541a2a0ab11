/**
 * The header fields that middleware in front of the cache sets for one request, such as a request id or a session
 * cookie. They are not stored. Every response gets the fields of its own request.
 */
import { describesContent, guidesCaches, listMembers, type Policy } from '../http/index.ts'

/**
 * List fields to which middleware adds members. The client gets the members from the front and those of the stored
 * response.
 */
const JOINED: ReadonlySet<string> = new Set(['cache-status', 'link', 'server-timing', 'vary', 'via'])

/**
 * Returns a copy of the fields that the handlers behind the cache set.
 *
 * A field comes from the front if its value equals or extends the value that the front set. Fields that guide caches or
 * describe the content always stay, because the handler made the response under them.
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

/** Adds the fields from the front that a response lacks. */
export function addFrontFields(headers: Headers, front: Headers): void {
  for (const name of new Set(front.keys())) {
    const value = front.get(name) ?? ''
    const own = headers.get(name)
    if (name === 'set-cookie') addCookies(headers, front.getSetCookie())
    // The stored response describes its own content. Middleware in front can only guess it, so ignore its field.
    else if (describesContent(name)) continue
    else if (own === null) headers.set(name, value)
    else if (JOINED.has(name) && !hasPrefix(own, value)) headers.set(name, join(value, own))
  }
}

const SEPARATOR = ', '

function hasPrefix(value: string, prefix: string): boolean {
  return value === prefix || value.startsWith(prefix + SEPARATOR)
}

/** Puts these cookies before the response's own, without duplicates. */
function addCookies(headers: Headers, cookies: readonly string[]): void {
  const own = headers.getSetCookie().filter((cookie) => !cookies.includes(cookie))
  headers.delete('set-cookie')
  for (const cookie of [...cookies, ...own]) headers.append('set-cookie', cookie)
}

/** Joins two lists. Drops the members of the second list that the first one has, ignoring case. */
function join(first: string, second: string): string {
  const members = listMembers(first)
  const known = new Set(members.map((member) => member.toLowerCase()))
  return [...members, ...listMembers(second).filter((member) => !known.has(member.toLowerCase()))].join(SEPARATOR)
}

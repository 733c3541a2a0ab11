/** The header fields that are stored with a response (RFC 9111 3.1): all, with a few exceptions. */
import { directivesOf, RELIED_ON, restrictedFields } from './cache-control.ts'
import { formatHttpDate, listMembers, parseHttpDate } from './fields.ts'
import type { TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'

/** Fields that concern one connection or one proxy (RFC 9110 7.6.1 and 11.7; RFC 9111 3.1). */
const HOP_BY_HOP = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/**
 * Returns a copy of the fields to store.
 *
 * A response without a valid Date gets the time of its receipt as its Date (RFC 9110 6.6.1).
 */
export function fieldsToStore(response: TimedResponse, policy: Policy): Headers {
  const excluded = excludedFields(response, policy)
  const stored = new Headers()
  for (const [name, value] of response.headers) if (!excluded.has(name)) stored.append(name, value)
  if (parseHttpDate(stored.get('date'), response.responseAt) === undefined) {
    stored.set('date', formatHttpDate(response.responseAt))
  }
  return stored
}

/** Returns the lower-case names of fields that must not be stored or updated (RFC 9111 3.1 and 3.2). */
export function excludedFields(response: TimedResponse, policy: Policy): ReadonlySet<string> {
  const excluded = new Set([...HOP_BY_HOP, ...unsharedFields(response, policy)])
  for (const option of listMembers(response.headers.get('connection'))) {
    // RFC 9110 7.6.1 forbids a connection option that names a field for all recipients. Ignore it, because the cache
    // would decide wrongly without that field.
    const name = option.toLowerCase()
    if (!RELIED_ON.has(name) && !policy.targetedFields.includes(name)) excluded.add(name)
  }
  return excluded
}

const TAG_FIELDS: ReadonlySet<string> = new Set(['cache-groups', 'cache-tag'])

/** True if caches base decisions on this response field. @param name in lower case */
export function guidesCaches(name: string, policy: Policy): boolean {
  return RELIED_ON.has(name) || TAG_FIELDS.has(name) || policy.targetedFields.includes(name)
}

/** Returns the lower-case names of fields that only this response's client may get. */
export function unsharedFields(response: TimedResponse, policy: Policy): readonly string[] {
  const directives = directivesOf(response, policy)
  const named = [...restrictedFields(directives.noCache), ...restrictedFields(directives.private)]
  return policy.storeSetCookie ? named : [...named, 'set-cookie']
}

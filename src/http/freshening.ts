/** Bringing a stored response up to date by a 304 or by a HEAD (RFC 9111 3.2, 4.3.4 and 4.3.5). */
import { parseEntityTag, strongMatch, weakMatch } from './entity-tag.ts'
import { deltaSeconds } from './fields.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { excludedFields, fieldsToStore, unsharedFields } from './stored-fields.ts'
import { mayStore } from './storing.ts'
import { entityTagOf, lastModifiedOf } from './validators.ts'

export interface Freshened {
  /** The stored response with its new fields and instants: what answers the request. */
  readonly response: TimedResponse
  /** What the update brought for this request's client alone: a cookie, say. It is never stored. */
  readonly unshared: readonly (readonly [string, string])[]
  /**
   * What becomes of the stored one: `update` it, `leave` it as it is because this request's update must not be stored (it
   * had Authorization, say), or `delete` it because the update forbids to keep it (it brought no-store, say).
   */
  readonly store: 'update' | 'leave' | 'delete'
}

/**
 * They describe the bytes that are stored, and those have not changed (RFC 9111 3.2). Content-Type is one of them here,
 * because frameworks give their default to a response without a body.
 */
const OF_THE_CONTENT = ['content-encoding', 'content-length', 'content-range', 'content-type']

/**
 * Updates the stored response whose validators the handler answered with 304.
 *
 * @param notModified the 304, with the instants of its own request
 * @returns undefined where the 304 speaks of another representation: nothing may be updated by it, and the request has
 *   to be sent again without conditions
 */
export function freshenBy304(
  request: RequestHead,
  stored: TimedResponse,
  notModified: TimedResponse,
  policy: Policy,
): Freshened | undefined {
  return identifies(notModified, stored) ? updated(request, stored, notModified, policy) : undefined
}

/**
 * What a HEAD that the handler answered says about the stored GET: its update, `stale` where they contradict each other,
 * `unrelated` where it was not answered with 200.
 */
export function freshenByHead(
  request: RequestHead,
  stored: TimedResponse,
  bodyBytes: number,
  head: TimedResponse,
  policy: Policy,
): Freshened | 'stale' | 'unrelated' {
  if (head.status !== 200 || stored.status !== 200) return 'unrelated'
  const agrees = ['etag', 'last-modified'].every((name) => {
    const received = head.headers.get(name)
    return received === null || received === stored.headers.get(name)
  })
  const length = head.headers.get('content-length')
  if (!agrees || (length !== null && deltaSeconds(length) !== bodyBytes)) return 'stale'
  return updated(request, stored, head, policy)
}

/**
 * RFC 9111 4.3.4, for a request that carried the validators of one stored response: a strong validator must be the same, a
 * weak one correspond. A 304 with none can only mean the one that was asked about.
 */
function identifies(notModified: TimedResponse, stored: TimedResponse): boolean {
  const given = notModified.headers.get('etag')
  if (given !== null) {
    const tag = parseEntityTag(given)
    return tag?.weak ? weakMatch(tag, entityTagOf(stored)) : strongMatch(tag, entityTagOf(stored))
  }
  if (!notModified.headers.has('last-modified')) return true
  const modifiedAt = lastModifiedOf(notModified)
  return modifiedAt !== undefined && modifiedAt === lastModifiedOf(stored)
}

function updated(request: RequestHead, stored: TimedResponse, update: TimedResponse, policy: Policy): Freshened {
  const { requestAt, responseAt } = update
  const merged = { status: stored.status, headers: mergedFields(stored.headers, update.headers, policy) }
  // Once more through the rules of storing, for the update may have named fields that must not be kept any longer.
  const timed = { ...merged, requestAt, responseAt }
  const response = { ...timed, headers: fieldsToStore(timed, policy) }
  const kept = (headers: Headers) => mayStore({ method: 'GET', headers }, response, policy).store
  const names = new Set(unsharedFields(update.headers, policy))
  return {
    response,
    unshared: [...update.headers].filter(([name]) => names.has(name)),
    store: kept(request.headers) ? 'update' : kept(new Headers()) ? 'leave' : 'delete',
  }
}

/** All lines of a name are replaced together (RFC 9111 3.2). */
function mergedFields(stored: Headers, update: Headers, policy: Policy): Headers {
  const excluded = new Set([...excludedFields(update, policy), ...OF_THE_CONTENT])
  const fields = [...update].filter(([name]) => !excluded.has(name))
  const merged = new Headers(stored)
  // They belong to one message: what the update does not say about itself must not be taken from the old one.
  for (const name of ['age', 'date', ...fields.map(([name]) => name)]) merged.delete(name)
  for (const [name, value] of fields) merged.append(name, value)
  return merged
}

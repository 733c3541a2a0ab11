/** Updates a stored response from a 304, or from a response to HEAD (RFC 9111 3.2, 4.3.4 and 4.3.5). */
import { deltaSeconds } from './fields.ts'
import type { RequestHead, TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { excludedFields, fieldsToStore, unsharedFields } from './stored-fields.ts'
import { mayStoreUpdate } from './storing.ts'
import { entityTagOf, lastModifiedOf, parseEntityTag, strongMatch, weakMatch } from './validators.ts'

export interface Freshened {
  /** The stored response with its new fields and instants. It answers the request. */
  readonly response: TimedResponse
  /** Fields of the update that only this request's client may get, such as a cookie. They are never stored. */
  readonly unshared: readonly (readonly [string, string])[]
  /**
   * - `update`: store the update
   * - `leave`: change nothing, because this request's update must not be stored (it had Authorization, for example)
   * - `delete`: remove the stored response, because the update forbids storing it (it brought no-store, for example)
   */
  readonly store: 'update' | 'leave' | 'delete'
}

/**
 * These fields describe the stored bytes, which have not changed, so an update must not touch them (RFC 9111 3.2).
 * Content-Type is included, because frameworks add a default to a response without a body.
 */
const CONTENT_FIELDS = ['content-encoding', 'content-length', 'content-range', 'content-type']

/** A request without any field that could forbid storing. */
const ANYBODY: RequestHead = { method: 'GET', headers: new Headers() }

/**
 * Updates the stored response after the handler answered its validators with a 304.
 *
 * @param notModified the 304, with the instants of its own request
 * @returns undefined if the 304 is about another representation. It must not update anything then. Only a request
 *   without conditions can fetch that representation.
 */
export function freshenBy304(
  request: RequestHead,
  stored: TimedResponse,
  notModified: TimedResponse,
  policy: Policy,
): Freshened | undefined {
  return identifies(notModified, stored) ? applyUpdate(request, stored, notModified, policy) : undefined
}

/**
 * Compares the handler's response to a HEAD with the stored response to a GET. Returns the update, `stale` if the two
 * contradict each other, or `unrelated` if either status is not 200.
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
  return applyUpdate(request, stored, head, policy)
}

/**
 * True if the 304 is about the stored response (RFC 9111 4.3.4). The request carried the validators of this response
 * only. A strong validator must be identical, and a weak one must match. A 304 without validators can only mean this
 * response.
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

function applyUpdate(request: RequestHead, stored: TimedResponse, update: TimedResponse, policy: Policy): Freshened {
  const { requestAt, responseAt } = update
  const merged = { status: stored.status, headers: mergeFields(stored.headers, update, policy) }
  // Apply the storing rules again: the update may name fields that must no longer be stored.
  const timed = { ...merged, requestAt, responseAt }
  const response = { ...timed, headers: fieldsToStore(timed, policy) }
  const isStorableFor = (asker: RequestHead) => mayStoreUpdate(asker, response, policy)
  const names = new Set(unsharedFields(update, policy))
  return {
    response,
    unshared: [...update.headers].filter(([name]) => names.has(name)),
    store: isStorableFor(request) ? 'update' : isStorableFor(ANYBODY) ? 'leave' : 'delete',
  }
}

/** Merges the update's fields into the stored ones. Replaces all lines of a field together (RFC 9111 3.2). */
export function mergeFields(stored: Headers, update: TimedResponse, policy: Policy): Headers {
  const excluded = new Set([...excludedFields(update, policy), ...CONTENT_FIELDS])
  const fields = [...update.headers].filter(([name]) => !excluded.has(name))
  const merged = new Headers(stored)
  // Age and Date describe one message: if the update has none, the old values must not stay.
  for (const name of ['age', 'date', ...fields.map(([name]) => name)]) merged.delete(name)
  for (const [name, value] of fields) merged.append(name, value)
  return merged
}

/** The responses that clients get, with the fields that this cache adds to them. */
import { type CacheStatus, formatCacheStatus } from '../http/index.ts'
import { addFrontFields } from './front-fields.ts'
import type { ResponseCacheSettings } from './options.ts'

/** Statuses for which `new Response` refuses any body, even an empty one. */
const NULL_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304])

/** True if a response with this status has no body, not even an empty one. */
export function hasNullBody(status: number): boolean {
  return NULL_BODY.has(status)
}

/** The parts of an exchange that a response needs. Without `front`, the framework adds the fields from the front itself. */
interface Addressee {
  readonly settings: Pick<ResponseCacheSettings, 'cacheStatusName'>
  readonly front?: Headers
}

interface Parts {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer> | null
  /** Whether the bytes are encoded already, although the runtime would encode them by Content-Encoding. */
  readonly isEncoded?: boolean
}

/**
 * Builds a response from its parts, which the caller gives up.
 *
 * It is built once, from bytes: a copy's body would be a stream, and servers send a stream without Content-Length.
 */
export function buildResponse(to: Addressee, { status, headers, body, isEncoded }: Parts, of: CacheStatus): Response {
  addFields(headers, to, of)
  const init = { status, headers, ...(isEncoded ? { encodeBody: 'manual' } : {}) }
  return new Response(hasNullBody(status) ? null : body, init)
}

/**
 * Returns the handler's response with the fields that this cache adds: the response itself if its headers can be changed,
 * otherwise a copy, and unchanged if it cannot be copied.
 */
export function annotate(to: Addressee, response: Response, status: CacheStatus): Response {
  if (!canCopy(response)) return response
  // A response without a body can be a constant of the program, which answers many requests.
  const given = response.body !== null && addFieldsTo(response, to, status)
  if (given) return response
  const copy = copyWith(response, response.body)
  addFields(copy.headers, to, status)
  return copy
}

/** Returns a copy with another body. The response as init hands on what the runtime hides, such as `encodeBody`. */
export function copyWith(response: Response, body: ReadableStream | null): Response {
  return new Response(body, response)
}

/** True if nobody has read the body, or is reading it. */
export function isReadable(response: Response): boolean {
  return !response.bodyUsed && response.body?.locked !== true
}

/**
 * False for a protocol switch (101), a network error (0), and a body that is read already: `new Response` refuses them. Also
 * false if the response has more than a copy would have: a web socket, or the mark of node-server that it is sent already.
 */
export function canCopy(response: Response): boolean {
  return response.status >= 200 && response.status <= 599 && isReadable(response) && !hasHiddenParts(response)
}

function hasHiddenParts(response: Response): boolean {
  return response.headers.has('x-hono-already-sent') || Boolean(Reflect.get(response, 'webSocket'))
}

function addFieldsTo(response: Response, to: Addressee, status: CacheStatus): boolean {
  try {
    addFields(response.headers, to, status)
    return true
  } catch {
    // The headers of `fetch` and `Response.redirect` are immutable. The first change failed, so nothing has changed.
    return false
  }
}

function addFields(headers: Headers, { settings, front }: Addressee, status: CacheStatus): void {
  if (settings.cacheStatusName !== undefined) {
    headers.set('cache-status', formatCacheStatus(headers.get('cache-status'), settings.cacheStatusName, status))
  }
  if (front !== undefined && !front.keys().next().done) addFrontFields(headers, front)
}

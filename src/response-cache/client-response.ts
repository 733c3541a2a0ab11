/** Builds the responses that clients get, with the fields that this cache adds. */
import { type CacheStatus, formatCacheStatus } from '../http/index.ts'
import { addFrontFields } from './front-fields.ts'
import type { ResponseCacheSettings } from './options.ts'

/** Statuses for which `new Response` refuses any body, even an empty one. */
const NULL_BODY: ReadonlySet<number> = new Set([101, 204, 205, 304])

/** True if a response with this status has no body, not even an empty one. */
export function hasNullBody(status: number): boolean {
  return NULL_BODY.has(status)
}

/**
 * The parts of an exchange that a response needs. Without `front`, the framework itself adds the fields from the front.
 */
interface Addressee {
  readonly settings: Pick<ResponseCacheSettings, 'cacheStatusName'>
  readonly front?: Headers
}

interface Parts {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array<ArrayBuffer> | null
  /** Whether the bytes are already encoded, so that workerd must not encode them again. */
  readonly isEncoded?: boolean
}

/**
 * Builds a response from its parts. The caller must not use the parts afterwards, because `headers` changes.
 *
 * The response is built from bytes and never copied. A copy's body is a stream, which servers send without
 * Content-Length.
 */
export function buildResponse(to: Addressee, { status, headers, body, isEncoded }: Parts, of: CacheStatus): Response {
  addFields(headers, to, of)
  const init = { status, headers, ...(isEncoded ? { encodeBody: 'manual' } : {}) }
  return new Response(hasNullBody(status) ? null : body, init)
}

/** Returns the handler's response with the fields that this cache adds. */
export function annotate(to: Addressee, response: Response, status: CacheStatus): Response {
  return amend(response, (headers) => addFields(headers, to, status))
}

/**
 * Changes the fields of a response. Returns the response itself if its headers are mutable, otherwise a copy. Leaves a
 * response unchanged if it must not be touched.
 */
export function amend(response: Response, change: (headers: Headers) => void): Response {
  if (mustStayUntouched(response)) return response
  if (hasHiddenType(response)) {
    attempt(() => change(response.headers))
    return response
  }
  if (!isReadable(response)) return response
  const body = bodyOf(response)
  // Always copy a response without a body, because the program may reuse one such object for many requests.
  if (body !== null && attempt(() => change(response.headers))) return response
  const copy = copyWith(response, body)
  change(copy.headers)
  return copy
}

/**
 * Returns a copy with another body. Passing the response as init keeps properties that the runtime hides, such as
 * `encodeBody`.
 */
export function copyWith(response: Response, body: ReadableStream | null): Response {
  return new Response(body, response)
}

/**
 * Returns the response's body. Checks for statuses without a body first. node-server validates a response only when its
 * body is read, and then refuses an empty text with 204.
 */
export function bodyOf(response: Response): ReadableStream | null {
  return hasNullBody(response.status) ? null : response.body
}

/** True if nobody has read the body or is reading it. */
function isReadable(response: Response): boolean {
  return hasNullBody(response.status) || (!response.bodyUsed && response.body?.locked !== true)
}

/**
 * True if a copy would keep everything that the response has. `new Response` refuses a body that has already been read.
 */
export function canCopy(response: Response): boolean {
  return !mustStayUntouched(response) && !hasHiddenType(response) && isReadable(response)
}

/**
 * True for a protocol switch (101) and a network error (0), because `new Response` refuses both. Also true for a
 * response with a WebSocket, and for a response that node-server has marked as sent.
 */
function mustStayUntouched(response: Response): boolean {
  const isFinal = response.status >= 200 && response.status <= 599
  return !isFinal || response.headers.has('x-hono-already-sent') || Boolean(Reflect.get(response, 'webSocket'))
}

/**
 * True if Bun may hide the media type of a text. The type is then not among the fields, and reading `body` loses it. So
 * check this before reading `body`.
 */
export function hasHiddenType({ headers, status }: Response): boolean {
  return 'Bun' in globalThis && !headers.has('content-type') && !hasNullBody(status)
}

/**
 * Returns false if the headers are immutable, as those of `fetch` and `Response.redirect` are. The first change then
 * fails, so nothing has changed.
 */
function attempt(change: () => void): boolean {
  try {
    change()
    return true
  } catch {
    return false
  }
}

function addFields(headers: Headers, { settings, front }: Addressee, status: CacheStatus): void {
  if (settings.cacheStatusName !== undefined) {
    headers.set('cache-status', formatCacheStatus(headers.get('cache-status'), settings.cacheStatusName, status))
  }
  if (front !== undefined && !front.keys().next().done) addFrontFields(headers, front)
}

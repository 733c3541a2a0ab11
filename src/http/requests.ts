/**
 * Decisions that need only the request: about its method (RFC 9110 9), and whether its response can be cached.
 *
 * The names of methods are case-sensitive: `get` is an unknown method.
 */
import { requestDirectivesOf } from './cache-control.ts'
import { listMembers } from './fields.ts'
import type { RequestHead } from './message.ts'
import type { Policy } from './policy.ts'

/** The safe methods (RFC 9110 9.2.1). Any other method may change something. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

export function isSafe(method: string): boolean {
  return SAFE.has(method)
}

/** True for GET, and for HEAD, which a stored response to GET answers (RFC 9110 9.3.2). */
export function isAnswerable(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/**
 * True if the request opens a WebSocket (RFC 6455 4.1). A client can add Upgrade to any request, and does so for h2c
 * (`curl --http2`), so no other upgrade may bypass the cache.
 */
export function isWebSocketUpgrade({ method, headers }: RequestHead): boolean {
  const lists = (field: string, member: string) =>
    listMembers(headers.get(field)).some((each) => each.toLowerCase() === member)
  return method === 'GET' && lists('connection', 'upgrade') && lists('upgrade', 'websocket')
}

/**
 * A request with more fields bypasses the cache. Selecting a variant hashes every field, which could cost more than the
 * handler.
 */
const MAX_FIELDS = 200

/**
 * Returns why a request bypasses the cache, as a reason of Cache-Status (RFC 9211 2.2), or undefined if it does not.
 */
export function bypassReason(request: RequestHead, policy: Policy): 'method' | 'bypass' | undefined {
  if (!isAnswerable(request.method)) return 'method'
  const isRefused = policy.authenticated === 'never' && request.headers.has('authorization')
  return isRefused || [...request.headers.keys()].length > MAX_FIELDS ? 'bypass' : undefined
}

/** True if a response to this request may be stored at all. Otherwise no other request needs to wait for it. */
export function mayFill(request: RequestHead): boolean {
  return request.method === 'GET' && !hasContent(request.headers) && !requestDirectivesOf(request).noStore
}

/** True if the request carries content. */
export function hasContent(headers: Headers): boolean {
  return headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
}

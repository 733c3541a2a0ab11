/** Request methods (RFC 9110 9). Their names are case-sensitive: `get` is an unknown method. */
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

/** Returns why a request bypasses the cache, as a reason of Cache-Status (RFC 9211 2.2), or undefined if it does not. */
export function bypassReason(request: RequestHead, policy: Policy): 'method' | 'bypass' | undefined {
  if (!isAnswerable(request.method)) return 'method'
  return policy.authenticated === 'never' && request.headers.has('authorization') ? 'bypass' : undefined
}

/** What is known of request methods (RFC 9110 9). Names are case-sensitive: `get` is an unknown method. */
import type { RequestHead } from './message.ts'
import type { Policy } from './policy.ts'

/** RFC 9110 9.2.1. A method that is not among them might change something. */
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

export function isSafe(method: string): boolean {
  return SAFE.has(method)
}

/** GET, and HEAD, which is answered from a stored GET (RFC 9110 9.3.2). */
export function isAnswerable(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Why a request is not looked up at all, as a reason of Cache-Status (RFC 9211 2.2); undefined where it is. */
export function bypassReason(request: RequestHead, policy: Policy): 'method' | 'bypass' | undefined {
  if (!isAnswerable(request.method)) return 'method'
  return policy.authenticated === 'never' && request.headers.has('authorization') ? 'bypass' : undefined
}

/**
 * Marks the request that refreshes a stale response in the background. No client sent it, so a rate limit must not
 * count it. The cache that sent it must recognize it.
 *
 * The mark is the request object itself, plus a header field with a random token, because middleware in front may
 * replace the request. Only tokens of pending refreshes count, so a client cannot forge one. Another isolate does not
 * know the token and treats the request like any other.
 */
import { randomUUID } from '../values/random.ts'

/** Every marked request has this field. */
export const REFRESH_FIELD = 'pgstash-refresh'

/** The tokens of pending refreshes. */
const pending = new Set<string>()
const tokens = new WeakMap<Request, string>()

/**
 * Marks a request until `endRefresh` is called. Create it with `new Request`, because the headers of a received request
 * are immutable.
 *
 * @returns the token that identifies the refresh
 */
export function markRefresh(request: Request): string {
  const token = randomUUID()
  // Replaces a field that the client sent.
  request.headers.set(REFRESH_FIELD, token)
  tokens.set(request, token)
  pending.add(token)
  return token
}

/** True for a marked request, and for a request that middleware derived from it. */
export function isRefresh(request: Request): boolean {
  return refreshToken(request) !== undefined
}

/** Returns the token of a marked request, or of a request that middleware derived from it; otherwise undefined. */
export function refreshToken(request: Request): string | undefined {
  const token = tokens.get(request) ?? request.headers.get(REFRESH_FIELD)
  return token !== null && token !== undefined && pending.has(token) ? token : undefined
}

/**
 * Removes the field, so that the handler does not send the token to its own origin. The request object stays marked.
 */
export function removeMark(headers: Headers): void {
  headers.delete(REFRESH_FIELD)
}

/** Ends the mark of a request. Without this call, the token stays in memory, and a copy of the request stays marked. */
export function endRefresh(request: Request): void {
  const token = tokens.get(request)
  if (token !== undefined) pending.delete(token)
}

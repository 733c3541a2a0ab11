/**
 * Marks the request that refreshes a stale response in the background. It is no client's request, so it must not be counted as
 * one, and it must reach the cache that sent it.
 *
 * The mark is the request object itself, and a header field with a random token, because middleware in front may replace the
 * request. Only tokens of pending refreshes count, so a client cannot forge one. Another isolate does not know the token, and
 * treats the request like any other.
 */
import { randomUUID } from '../values/random.ts'

/** Every marked request has this field. */
export const REFRESH_FIELD = 'pgstash-refresh'

/** The tokens of pending refreshes. */
const pending = new Set<string>()
const tokens = new WeakMap<Request, string>()

/**
 * Marks a request, until `endRefresh`. Construct it with `new Request`: the headers of a received one are immutable.
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

/** True for a marked request, and for a request that middleware made from it. */
export function isRefresh(request: Request): boolean {
  return refreshToken(request) !== undefined
}

/** Returns the token of a marked request, or of a request that middleware made from it; otherwise undefined. */
export function refreshToken(request: Request): string | undefined {
  const token = tokens.get(request) ?? request.headers.get(REFRESH_FIELD)
  return token !== null && token !== undefined && pending.has(token) ? token : undefined
}

/** Removes the field, so that the handler does not send the token to its own origin. The marked request itself stays marked. */
export function removeMark(headers: Headers): void {
  headers.delete(REFRESH_FIELD)
}

/** Ends the mark of a request. Without this call its token stays in memory, and a copy of the request stays marked. */
export function endRefresh(request: Request): void {
  const token = tokens.get(request)
  if (token !== undefined) pending.delete(token)
}

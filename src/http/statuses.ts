/** What is known of status codes (RFC 9110 15). */

/** A cache may guess a lifetime for these (RFC 9110 15.1; RFC 7725 3 adds 451); 206 is left out, for none is stored. */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501,
])

/** Those whose caching needs nothing that this cache does not do: what must-understand asks for (RFC 9111 5.2.2.3). */
const UNDERSTOOD: ReadonlySet<number> = new Set([
  ...HEURISTICALLY_CACHEABLE,
  302,
  303,
  307,
  400,
  403,
  500,
  502,
  503,
  504,
])

/** Answers to a condition, a range or a proxy's challenge of one request, which say nothing about the next. */
const OF_ONE_REQUEST: ReadonlySet<number> = new Set([304, 407, 412, 416])

/** RFC 6585 3 to 6: responses with these must not be stored by a cache. */
const NEVER_STORED: ReadonlySet<number> = new Set([428, 429, 431, 511])

/** RFC 5861 4. */
const ERRORS: ReadonlySet<number> = new Set([500, 502, 503, 504])

export const PARTIAL_CONTENT = 206
export const NOT_MODIFIED = 304
export const RANGE_NOT_SATISFIABLE = 416
export const GATEWAY_TIMEOUT = 504

export function isHeuristicallyCacheable(status: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(status)
}

export function isUnderstood(status: number): boolean {
  return UNDERSTOOD.has(status)
}

/** Final (RFC 9110 15), valid, and not one whose meaning ends with its request. */
export function isStorable(status: number): boolean {
  return isFinal(status) && !OF_ONE_REQUEST.has(status) && !NEVER_STORED.has(status)
}

/** An error in the sense of stale-if-error (RFC 5861 4). A handler that throws is one, too. */
export function isServerError(status: number): boolean {
  return ERRORS.has(status)
}

/** Successful or a redirection: what makes an unsafe request invalidate (RFC 9111 4.4). */
export function isNonError(status: number): boolean {
  return status >= 200 && status < 400
}

/** RFC 9110 15.3. */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function isFinal(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599
}

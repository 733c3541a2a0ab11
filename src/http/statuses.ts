/** Status codes (RFC 9110 15). */

/** Statuses that allow a heuristic lifetime (RFC 9110 15.1; RFC 7725 3 adds 451). */
const HEURISTICALLY_CACHEABLE: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 451, 501,
])

/** Statuses whose caching requirements this cache meets, as must-understand requires (RFC 9111 5.2.2.3). */
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

/** Statuses that answer one request's condition, range or proxy challenge, and say nothing about the next request. */
const OF_ONE_REQUEST: ReadonlySet<number> = new Set([304, 407, 412, 416])

/** Statuses that refuse one client, or one attempt by a client. */
const OF_ONE_CLIENT: ReadonlySet<number> = new Set([
  400, 401, 402, 403, 405, 406, 407, 408, 412, 413, 414, 415, 416, 417, 421, 425, 428, 429, 431, 511,
])

/** Statuses that a cache must not store (RFC 6585 3 to 6). */
const NEVER_STORED: ReadonlySet<number> = new Set([428, 429, 431, 511])

/** The errors of stale-if-error (RFC 5861 4). */
const ERRORS: ReadonlySet<number> = new Set([500, 502, 503, 504])

export const NO_CONTENT = 204
export const PARTIAL_CONTENT = 206
export const NOT_MODIFIED = 304
export const RANGE_NOT_SATISFIABLE = 416
export const GATEWAY_TIMEOUT = 504
/** Statuses from here on are server errors. */
export const FIRST_SERVER_ERROR = 500

export function isHeuristicallyCacheable(status: number): boolean {
  return HEURISTICALLY_CACHEABLE.has(status)
}

export function isUnderstood(status: number): boolean {
  return UNDERSTOOD.has(status)
}

/** True for a final status (RFC 9110 15) that may also answer later requests. */
export function isStorable(status: number): boolean {
  return isFinal(status) && !OF_ONE_REQUEST.has(status) && !NEVER_STORED.has(status)
}

/** True for any status from 500 on. */
export function isServerFailure(status: number): boolean {
  return status >= 500
}

/** True if the status refuses one client or one attempt, so that it says nothing about the resource. */
export function isOfOneClient(status: number): boolean {
  return OF_ONE_CLIENT.has(status)
}

/** True for an error in the sense of stale-if-error (RFC 5861 4). A handler that throws counts as one too. */
export function isServerError(status: number): boolean {
  return ERRORS.has(status)
}

/** True for a success or a redirection. An unsafe request invalidates only after one of these (RFC 9111 4.4). */
export function isNonError(status: number): boolean {
  return status >= 200 && status < 400
}

/** True for a success (RFC 9110 15.3). */
export function isSuccess(status: number): boolean {
  return status >= 200 && status < 300
}

function isFinal(status: number): boolean {
  return Number.isInteger(status) && status >= 200 && status <= 599
}

/** The only file that reads the process's clocks. Entries in Postgres expire by the database's `now()`. */

/**
 * Returns milliseconds since the epoch by a clock that never goes back. Use it for durations and for bounds on input.
 *
 * Rejected: `Date`. While Next prerenders with `cacheComponents`, reading `Date` is an error, because its value could
 * end up in the page. Next allows `performance`. This clock may stop while a machine sleeps, so no expiration uses it.
 */
export const now = (): number => performance.timeOrigin + performance.now()

/**
 * Returns milliseconds since the epoch by the wall clock. Use it for entries that expire in this process, and for dates
 * in HTTP headers.
 */
export const wallClock = (): number => Date.now()

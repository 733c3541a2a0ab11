/** The one place that reads the process's clocks. Entries in Postgres live and expire by the database's `now()`. */

/**
 * Milliseconds since the epoch by a clock that is never set back: for durations, and to bound input.
 *
 * Not `Date`: while Next prerenders with `cacheComponents`, reading it is an error, because its value could end up in the
 * page. Next allows `performance`. This clock may stand still while a machine sleeps, so nothing expires by it.
 */
export const now = (): number => performance.timeOrigin + performance.now()

/**
 * Milliseconds since the epoch by the clock on the wall: for entries that expire in this process, and for dates in HTTP
 * headers.
 */
export const wallClock = (): number => Date.now()

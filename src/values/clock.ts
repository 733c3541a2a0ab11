/**
 * The one place that reads the process's clock.
 *
 * Entries live and expire by the database's `now()`; this clock only measures durations and bounds input.
 */
export const now = (): number => Date.now()

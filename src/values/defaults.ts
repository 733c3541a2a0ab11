/** Defaults that stores share. */

/** For one statement, its retries included. */
export const DEFAULT_TIMEOUT_MS = 5_000
/** A quarter late saves most writes: a hot key is written once per quarter of its span. */
export const DEFAULT_SLACK = 0.25

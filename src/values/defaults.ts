/** Defaults that stores share. */

/** The limit for one statement with its retries. */
export const DEFAULT_TIMEOUT_MS = 5_000
/** Expiring up to a quarter late saves most writes, because a hot key is written once per quarter of its span. */
export const DEFAULT_SLACK = 0.25

/** The defaults that stores share. */

/** The longest time for one statement with its retries. */
export const DEFAULT_TIMEOUT_MS = 5_000
/**
 * Entries may expire up to a quarter late. This saves most writes: a hot key is written once per quarter of its span.
 */
export const DEFAULT_SLACK = 0.25

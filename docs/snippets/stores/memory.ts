import { memoryCache } from 'pgstash'

/** Rates of the last minute, for this process or isolate only. */
export const rates = memoryCache({ maxEntries: 1_000, maxBytes: 4 * 1024 * 1024, expiration: '1m' })

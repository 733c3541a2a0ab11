/** `pgstash/fetch`: the rate limit around any function from a request to a response, and purges of cached responses. */
export { addressKey } from '../rate-limit/address-key.ts'
export { rateLimitKey } from '../rate-limit/counter-key.ts'
export type { RateLimitOptions } from '../rate-limit/options.ts'
export { type PurgeStatementsOptions, purge, purgeStatements } from '../response-cache/purge.ts'
export { createPurgeRoute as purgeRoute, type PurgeRouteOptions } from '../response-cache/purge-route.ts'
export type { PurgeTargets } from '../response-cache/purge-targets.ts'
export { rateLimit } from './rate-limit.ts'

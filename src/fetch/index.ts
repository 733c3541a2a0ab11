/** `pgstash/fetch`: the response cache around any function from a request to a response. */
export type { PathPattern } from '../response-cache/paths.ts'
export { type PurgeStatementsOptions, purge, purgeStatements } from '../response-cache/purge.ts'
export { createPurgeRoute as purgeRoute, type PurgeRouteOptions } from '../response-cache/purge-route.ts'
export type { PurgeTargets } from '../response-cache/purge-targets.ts'
export { type ResponseCacheOptions, withResponseCache } from './with-response-cache.ts'

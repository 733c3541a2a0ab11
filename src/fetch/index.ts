/** `pgstash/fetch`: the response cache and the rate limit around any function from a request to a response. */
export type { PathPattern } from '../response-cache/paths.ts'
export { type ResponseCacheOptions, withResponseCache } from './with-response-cache.ts'

/** `pgstash/hono`: middleware for Hono. */
export { type PathPattern, type ResponseCacheOptions, responseCache } from './response-cache.ts'

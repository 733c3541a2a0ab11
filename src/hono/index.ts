/** `pgstash/hono`: middleware for Hono. */
export { addressKey } from './address-key.ts'
export { type CacheMiddlewareOptions, type CacheVariables, cacheMiddleware } from './cache-middleware.ts'
export { type PurgingOptions, purging } from './deprecated.ts'
export {
  type PurgeRouteOptions,
  type PurgeStatementsOptions,
  type PurgeTargets,
  purge,
  purgeRoute,
  purgeStatements,
} from './purge.ts'
export { type RateLimitOptions, rateLimit } from './rate-limit.ts'
export { rateLimitKey } from './rate-limit-key.ts'
export { type RateLimiterStore, type RateLimiterStoreOptions, rateLimiterStore } from './rate-limiter-store.ts'
export { type PathPattern, type ResponseCacheOptions, responseCache } from './response-cache.ts'

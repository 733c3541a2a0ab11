/** `pgstash/hono`: middleware for Hono. */
export {
  type PurgeRouteOptions,
  type PurgeTargets,
  type PurgingOptions,
  purge,
  purgeRoute,
  purging,
} from './purge.ts'
export { type PathPattern, type ResponseCacheOptions, responseCache } from './response-cache.ts'

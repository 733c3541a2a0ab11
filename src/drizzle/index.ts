/** `pgstash/drizzle`: a query cache for Drizzle. */
export { type CacheableQuery, type CacheQueryOptions, cacheQuery } from './cache-query.ts'
export { type QueryCache, type QueryCacheOptions, type QueryCacheStats, queryCache } from './query-cache.ts'
export { tableTag } from './tags.ts'

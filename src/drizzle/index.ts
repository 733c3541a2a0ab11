/** `pgstash/drizzle`: a query cache for Drizzle, and tables of your own whose writes invalidate. */
export { type CacheableQuery, type CacheQueryOptions, cacheQuery } from './cache-query.ts'
export { invalidateRow } from './invalidate-row.ts'
export { type QueryCache, type QueryCacheOptions, type QueryCacheStats, queryCache } from './query-cache.ts'
export type { Taggable, Watchable } from './relation.ts'
export { type KeyValue, type RowId, rowTag, tableTag } from './tags.ts'
export { type WarmOptions, warm } from './warm.ts'
export {
  unwatchAllTables,
  unwatchTables,
  type Watchables,
  type WatchOptions,
  type WatchTablesOptions,
  watchedTables,
  watchTables,
} from './watch.ts'
export type { WatchedTable } from './watched.ts'
export { type Touching, type WithInvalidationOptions, withInvalidation } from './with-invalidation.ts'

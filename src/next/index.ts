/** Cache handlers for Next.js 15.5 and 16 (import `pgstash/next`). */
export type { HandlerContext } from './build-id.ts'
export {
  type CacheHandlerOptions,
  cacheHandler,
  type IncrementalCacheHandler,
  type IncrementalEntry,
} from './cache-handler.ts'
export { cacheHandlers, type UseCacheEntry, type UseCacheHandler } from './cache-handlers.ts'
export type { NextOptions } from './options.ts'

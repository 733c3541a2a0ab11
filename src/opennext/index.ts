/** `pgstash/opennext`: the caches and the queue for OpenNext on Cloudflare. */
export { type IncrementalCache, type IncrementalCacheOptions, incrementalCache } from './incremental-cache.ts'
export { type Queue, type QueueMessage, type QueueOptions, queue } from './queue.ts'
export { type TagCache, tagCache } from './tag-cache.ts'
export type { TagWrite } from './tag-events.ts'
export type { CacheType } from './values.ts'

/** `pgstash`: a cache that lives in Postgres and is reached over stateless HTTP. */
export type {
  Cache,
  CacheEntry,
  CacheSnapshot,
  CacheStats,
  CleanupResult,
  ClearExpiredOptions,
  CounterOptions,
  EntryPage,
  LimitResult,
  LimitRule,
  ListedEntry,
  ListOptions,
  WriteOptions,
} from './cache.ts'
export { type CacheOptions, createCache } from './postgres/create-cache.ts'
export type { Database } from './postgres/database.ts'
export type { CacheTables } from './schema.ts'
export { type Codec, jsonCodec } from './values/codec.ts'
export {
  CacheError,
  type CacheErrorCode,
  CounterRangeError,
  DatabaseError,
  DatabaseTimeoutError,
  InvalidDeltaError,
  InvalidExpirationError,
  InvalidKeyError,
  InvalidOptionError,
  InvalidTableNameError,
  NotANumberError,
  UnreadableValueError,
  UnserializableValueError,
  ValueTooLargeError,
} from './values/errors.ts'
export type { CacheEvent, ErrorEvent, EventListener, OperationEvent } from './values/events.ts'
export type { Duration, Expiration } from './values/expiration.ts'

/** `pgstash`: a cache that lives in Postgres and is reached over stateless HTTP. */

export type { EngineOptions } from './cache/build-cache.ts'
export { cacheOver } from './cache/cache-over.ts'
export { type CacheMetrics, type Metered, withMetrics } from './cache/metrics.ts'
export type { CommonOptions } from './cache/settings.ts'
export type {
  Cache,
  CacheEntry,
  CacheSnapshot,
  CacheStats,
  CleanupResult,
  ClearExpiredOptions,
  ClearOptions,
  CounterOptions,
  CountOptions,
  EntryPage,
  EntryState,
  Fill,
  GetOrSetOptions,
  LimitAlgorithm,
  LimitResult,
  LimitRule,
  ListedEntry,
  ListOptions,
  NamespaceOptions,
  StatsOptions,
  WriteOptions,
} from './cache.ts'
export { asCached, type CachedFunction, type CachedMethodDecorator, cached } from './cached/cached.ts'
export type { CachedOptions } from './cached/plan.ts'
export { type CompressingCodecOptions, compressingCodec } from './codecs/compressing-codec.ts'
export { devalueCodec } from './codecs/devalue-codec.ts'
export { type EncryptingCodecOptions, type EncryptionKey, encryptingCodec } from './codecs/encrypting-codec.ts'
export { createFiller, type FillEnvironment, type Filler, type FillStore } from './fill/create-filler.ts'
export { enableLocalNeon, type NeonEndpointConfig } from './local-neon/enable-local-neon.ts'
export { databaseFromEnv } from './postgres/connections/from-env.ts'
export { type CacheOptions, createCache } from './postgres/create-cache.ts'
export type { AnyDatabase, Database, DatabaseClient, DatabaseSource } from './postgres/database.ts'
export { type Invalidation, type InvalidationOptions, invalidation } from './postgres/invalidation.ts'
export type { CacheTables } from './schema/index.ts'
export type { Change, ChangeReader, Changes } from './store/changes.ts'
export type { ClaimAnswer, ClaimRequest, FillRequest, FoundEntry, Sliding } from './store/claims.ts'
export { countEntry, limitEntry } from './store/counters.ts'
export {
  backOff,
  buildEntry,
  buildFilledEntry,
  type ClaimState,
  claimEntry,
  type Lease,
  resolveDeadline,
  type StoredEntry,
  selectPage,
  slideEntry,
  sumStats,
  toListedRow,
  toRow,
  touchEntry,
} from './store/entries.ts'
export type { CountingInput, ListedRow, ListInput, SweepInput } from './store/inputs.ts'
export type { LimitInput, Window } from './store/limits.ts'
export {
  type CountInput,
  type Item,
  type MaybePromise,
  type PageReply,
  type ReadOptions,
  type Reply,
  type Row,
  type Store,
  toReply,
  type WriteInput,
} from './store/store.ts'
export { getDefaultCache, setDefaultCache } from './stores/default-cache.ts'
export { type CacheManager, type CacheManagerOptions, createCacheManager } from './stores/manager.ts'
export { type MemoryCacheOptions, memoryCache } from './stores/memory/create-memory-cache.ts'
export type { NearCache } from './stores/near-cache.ts'
export { type NullCacheOptions, nullCache } from './stores/null-cache.ts'
export { type PlatformCacheOptions, platformCache } from './stores/platform/platform-cache.ts'
export type { RuntimeCache } from './stores/platform/storages.ts'
export { type ShardedCache, type ShardedCacheOptions, shardedCache } from './stores/sharded/sharded-cache.ts'
export { type Listening, type ListenOptions, listen } from './stores/tiered/listen.ts'
export type { ListeningClient } from './stores/tiered/listening-client.ts'
export { type TieredCacheOptions, tieredCache } from './stores/tiered/tiered-cache.ts'
export { type Codec, jsonCodec, type StoredValue } from './values/codec.ts'
export { addDecimals } from './values/decimal.ts'
export {
  CacheError,
  type CacheErrorCode,
  CircuitOpenError,
  CounterRangeError,
  DatabaseError,
  DatabaseTimeoutError,
  InvalidDeltaError,
  InvalidExpirationError,
  InvalidKeyError,
  InvalidOptionError,
  InvalidTableNameError,
  NodesError,
  NotANumberError,
  RefreshError,
  UnknownStoreError,
  UnreadableValueError,
  UnserializableValueError,
  ValueTooLargeError,
} from './values/errors.ts'
export type {
  CacheEvent,
  Cost,
  Emit,
  ErrorEvent,
  EventListener,
  FillEvent,
  OperationEvent,
  WaitEvent,
} from './values/events.ts'
export type { Deadline, Duration, Expiration } from './values/expiration.ts'
export type { DevalueTypes, Jsonified, KeptTypes } from './values/jsonified.ts'
export { byCodePoint, type KeyRange, type Scope } from './values/key.ts'
export { formatSnapshot, parseSnapshot } from './values/snapshot.ts'
export type { TimeSpan } from './values/time-span.ts'

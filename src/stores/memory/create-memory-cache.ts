/** `memoryCache`: a cache in the memory of this process. */

import { buildCache } from '../../cache/build-cache.ts'
import { COMMON_OPTIONS, type CommonOptions } from '../../cache/settings.ts'
import type { Cache } from '../../cache.ts'
import { optionalFunction, optionsObject, wholeNumber } from '../../values/options.ts'
import { memoryStore } from './memory-store.ts'
import { createStorage, type MemoryStorage } from './storage.ts'

/** Options of {@link memoryCache}. */
export interface MemoryCacheOptions extends CommonOptions {
  /**
   * The most entries, including expired ones. The least recently used entry is evicted first. Default 10,000, at most
   * 16,000,000.
   */
  maxEntries?: number | undefined
  /**
   * The most bytes of keys, encoded values and tags, in UTF-8. Default 32 MiB, a quarter of the memory of a Workers
   * isolate. A single entry that exceeds it is not stored.
   *
   * Each entry takes some 300 bytes more, and a small entry twice that. Values that are read repeatedly are also kept
   * decoded. These copies take at most half of `maxBytes` on top, and evict no entry.
   */
  maxBytes?: number | undefined
  /** The clock of entries and leases, in milliseconds since the epoch. Default `Date.now`. */
  now?: (() => number) | undefined
}

const DEFAULT_MAX_ENTRIES = 10_000
/** A `Map` cannot hold many more entries. */
const MAX_MAX_ENTRIES = 16_000_000
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024

/**
 * Creates a cache in the memory of this process or isolate. It is always bounded. Otherwise it behaves like a cache in
 * Postgres.
 *
 * Values are stored encoded, and each reader gets its own copy. An evicted entry is a miss. The cache starts no timer,
 * so it is safe at module level.
 *
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * const cache = memoryCache({ maxEntries: 1_000, expiration: '1m' })
 */
export function memoryCache(options?: MemoryCacheOptions): Cache {
  const { maxEntries, maxBytes, now, ...common } = optionsObject<MemoryCacheOptions>(options, [
    ...COMMON_OPTIONS,
    'maxEntries',
    'maxBytes',
    'now',
  ])
  optionalFunction('now', now)
  const storage = createStorage({
    maxEntries: wholeNumber('maxEntries', maxEntries ?? DEFAULT_MAX_ENTRIES, 1, MAX_MAX_ENTRIES),
    maxBytes: wholeNumber('maxBytes', maxBytes ?? DEFAULT_MAX_BYTES, 1),
    now,
  })
  return memoryCacheOver(storage, common)
}

/** Creates a cache over a storage that several caches may share. */
export function memoryCacheOver(storage: MemoryStorage, options: CommonOptions): Cache {
  return buildCache(memoryStore(storage), options)
}

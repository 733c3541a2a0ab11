/** `memoryCache`: a cache in the memory of this process. */

import { buildCache } from '../../cache/build-cache.ts'
import { COMMON_OPTIONS, type CommonOptions } from '../../cache/settings.ts'
import type { Cache } from '../../cache.ts'
import { optionalFunction, optionsObject, wholeNumber } from '../../values/options.ts'
import { memoryStore } from './memory-store.ts'
import { createStorage, type MemoryStorage } from './storage.ts'

export interface MemoryCacheOptions extends CommonOptions {
  /** Entries kept, expired ones included; the least recently used goes first. Default 10,000, at most 16,000,000. */
  maxEntries?: number | undefined
  /**
   * Bytes of keys, encoded values and tags kept, counted in UTF-8; what is larger is not kept at all. Default 32 MiB: a
   * quarter of what an isolate of Workers may use. Each entry takes some 300 bytes besides, a
   * small one twice that.
   */
  maxBytes?: number | undefined
  /** The clock that entries and leases live by, in milliseconds since the epoch; default `Date.now`. */
  now?: (() => number) | undefined
}

const DEFAULT_MAX_ENTRIES = 10_000
/** A `Map` holds little more. */
const MAX_MAX_ENTRIES = 16_000_000
const DEFAULT_MAX_BYTES = 32 * 1024 * 1024

/**
 * A cache in the memory of this process or isolate: always bounded, and in all else like one in Postgres.
 *
 * Values are kept encoded, and made anew for each read, so that nobody holds what another reads. What is forgotten for
 * want of room is a miss like any other. Starts no timer; safe to create at module level.
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

/** A cache over a storage that several caches may share. */
export function memoryCacheOver(storage: MemoryStorage, options: CommonOptions): Cache {
  return buildCache(memoryStore(storage), options)
}

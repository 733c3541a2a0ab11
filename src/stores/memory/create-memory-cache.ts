/** `memoryCache`: checks what it is given, and puts the parts together. */
import type { Cache, GetOrSetOptions } from '../../cache.ts'
import { createFiller } from '../../fill/get-or-set.ts'
import { keepingSteps } from '../../fill/keeping.ts'
import { exactCache } from '../../store/exact-arguments.ts'
import { type Inside, internals } from '../../store/internals.ts'
import { COMMON_OPTIONS, type CommonOptions, parseSettings } from '../../store/settings.ts'
import { nestedScope, type Scope, storedKey } from '../../values/key.ts'
import { optionalFunction, optionsObject, wholeNumber } from '../../values/options.ts'
import type { Context } from './context.ts'
import { counting } from './counting.ts'
import { memoryFillStore } from './filling.ts'
import { inspecting } from './inspecting.ts'
import { reading } from './reading.ts'
import { removing } from './removing.ts'
import { createStorage, type MemoryStorage } from './storage.ts'
import { writing } from './writing.ts'

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

/** A cache over a storage that several may share. */
export function memoryCacheOver(storage: MemoryStorage, options: CommonOptions): Cache {
  const { settings, scope, waitUntil, random } = parseSettings(options)
  const filler = createFiller(memoryFillStore(storage), { ...settings, waitUntil, random })
  return scopedCache({ ...settings, storage, filler }, scope)
}

function scopedCache(shared: Omit<Context, 'scope'>, scope: Scope): Cache & Inside {
  const context: Context = { ...shared, scope }
  const { filler } = shared
  const { entryOf, copies, ...read } = reading(context)
  const { prepareMany, setStored, ...written } = writing(context)
  const { rows, ...inspected } = inspecting(context)
  const cache = {
    ...read,
    ...written,
    ...counting(context),
    ...removing(context),
    ...inspected,
    getOrSet: (async (key: string, compute: unknown, options?: GetOrSetOptions) =>
      filler.getOrSet(key, storedKey(scope, key), compute, options)) as Cache['getOrSet'],
  }
  return exactCache({
    ...cache,
    namespace: (name, options) => scopedCache(shared, nestedScope(scope, name, options)),
    entry: (key) => entryOf(key, { setStored, delete: cache.delete }),
    [internals]: {
      prepareMany,
      rows,
      copies,
      getOrSetKeeping: async (key, compute, options, keep) => {
        const steps = keepingSteps(memoryFillStore(shared.storage), shared.codec, keep)
        return filler.getOrSet(key, storedKey(scope, key), compute, options, steps)
      },
      defaultExpiration: () => shared.expiration,
      refresh: async (key, compute, options) => filler.refresh(key, storedKey(scope, key), compute, options),
    },
  })
}

/** `nullCache`: a cache that stores nothing, for tests, and for switching caching off. */
import type {
  Cache,
  CounterOptions,
  EntryPage,
  GetOrSetOptions,
  LimitResult,
  LimitRule,
  WriteOptions,
} from '../cache.ts'
import { createEntry } from '../entry.ts'
import { DEFAULTS } from '../fill/environment.ts'
import { createFiller } from '../fill/get-or-set.ts'
import type { FillStore } from '../fill/store.ts'
import { exactCache } from '../store/exact-arguments.ts'
import {
  type GetOptions,
  parseCount,
  parseGet,
  parseLimit,
  parsePairs,
  parseSweep,
  parseTags,
  parseWrite,
} from '../store/inputs.ts'
import { type Inside, internals } from '../store/internals.ts'
import { parseList } from '../store/listing.ts'
import { checkedCodec, deadlineOf } from '../store/settings.ts'
import { wallClock } from '../values/clock.ts'
import { type Codec, decodeValue, encodeValue, jsonCodec } from '../values/codec.ts'
import { nestedScope, ROOT, type Scope, storedKey, storedKeys } from '../values/key.ts'
import { optionsObject } from '../values/options.ts'
import { OLDEST_SNAPSHOT } from '../values/snapshot.ts'

/** There is nothing to read, and no right to compute that one could have alone. */
const NOTHING: FillStore = {
  readOrClaim: async () => ({ entry: undefined, claimed: 'unavailable', heldMs: undefined }),
  fill: async () => false,
  release: async () => {},
}

export interface NullCacheOptions {
  /** That of the cache whose place it takes: `getOrSet` returns what this codec makes of a value. Default: JSON. */
  codec?: Codec | undefined
}

/**
 * A cache that stores nothing: every read is a miss, every write succeeds and is gone.
 *
 * `getOrSet` computes for each caller, without waiting for another. What changes or counts answers as if the key had been
 * absent: `add` true, `touch` and `delete` false, `increment` the delta, `limit` the first call of a window, and so every
 * call is allowed unless the limit is 0. Keys and options are checked as everywhere. Only `getOrSet` and a handle's `set`,
 * which return values, look at them.
 *
 * @throws InvalidOptionError
 * @example
 * const cache = env.CACHE === 'off' ? nullCache() : createCache(db)
 */
export function nullCache(options?: NullCacheOptions): Cache {
  const { codec = jsonCodec } = optionsObject<NullCacheOptions>(options, ['codec'])
  return scopedCache(checkedCodec(codec), ROOT)
}

function scopedCache(codec: Codec, scope: Scope): Cache & Inside {
  const cache = { ...reading(codec, scope), ...writing(scope), ...counting(scope), ...inspecting(scope) }
  return exactCache({
    ...cache,
    namespace: (name, options) => scopedCache(codec, nestedScope(scope, name, options)),
    entry<T>(key: string) {
      const stored = storedKey(scope, key)
      return createEntry<T>({
        read: async () => undefined,
        async set(value, options) {
          await cache.set(key, value, options)
          return (await decodeValue(await encodeValue(value, stored, { ...DEFAULTS, codec }), stored, codec)) as T
        },
        delete: async () => false,
      })
    },
    [internals]: {
      copies: async (keys) => {
        storedKeys(scope, keys)
        return new Map()
      },
      getOrSetKeeping: (key, compute, options) => cache.getOrSet(key, compute as never, options),
      defaultExpiration: () => DEFAULTS.expiration,
      async prepareMany(entries, options) {
        await cache.setMany(entries, options)
        return async () => {}
      },
      refresh: (key, compute, options) => cache.getOrSet(key, compute, options),
      rows: async () => [],
    },
  })
}

function reading(codec: Codec, scope: Scope) {
  const checkKey = (key: string) => void storedKey(scope, key)
  return {
    get: (async (key: string, options?: GetOptions) => {
      checkKey(key)
      return parseGet(options).fallback
    }) as Cache['get'],
    getMany: (async (keys: Iterable<string>) => {
      storedKeys(scope, keys)
      return new Map()
    }) as Cache['getMany'],
    async has(key: string) {
      checkKey(key)
      return false
    },
    async expiration(key: string) {
      checkKey(key)
      return undefined
    },
    pull: (async (key: string) => checkKey(key)) as Cache['pull'],
    // A filler of its own for each call: nobody waits for anybody.
    getOrSet: (async (key: string, compute: unknown, options?: GetOrSetOptions) =>
      createFiller(NOTHING, { codec }).getOrSet(key, storedKey(scope, key), compute, options)) as Cache['getOrSet'],
  } satisfies Partial<Cache>
}

function writing(scope: Scope) {
  async function check(key: string, options: WriteOptions | undefined): Promise<void> {
    storedKey(scope, key)
    parseWrite(DEFAULTS, options)
  }
  return {
    set: (key: string, _value: unknown, options?: WriteOptions) => check(key, options),
    setMany: (async (entries, options) => {
      for (const [key] of parsePairs(entries)) storedKey(scope, key)
      parseWrite(DEFAULTS, options)
    }) as Cache['setMany'],
    async add(key: string, _value: unknown, options?: WriteOptions) {
      await check(key, options)
      return true
    },
    async touch(key: string, expiration?: unknown) {
      storedKey(scope, key)
      deadlineOf(DEFAULTS, expiration)
      return false
    },
    async delete(key: string) {
      storedKey(scope, key)
      return false
    },
    async deleteMany(keys: Iterable<string>) {
      storedKeys(scope, keys)
      return 0
    },
    clear: async () => 0,
    async invalidate(tags: string | Iterable<string>) {
      parseTags(tags)
    },
  } satisfies Partial<Cache>
}

function counting(scope: Scope) {
  async function count(key: string, delta: unknown, sign: 1 | -1, options?: CounterOptions): Promise<number> {
    storedKey(scope, key)
    return Number(parseCount(DEFAULTS, delta, sign, options).delta)
  }
  return {
    increment: async (key: string, delta = 1, options?: CounterOptions) => count(key, delta, 1, options),
    decrement: async (key: string, delta = 1, options?: CounterOptions) => count(key, delta, -1, options),
    async limit(key: string, rule: LimitRule): Promise<LimitResult> {
      storedKey(scope, key)
      const { limit, periodMs } = parseLimit(rule)
      return {
        allowed: limit > 0,
        count: 1,
        remaining: Math.max(0, limit - 1),
        resetAt: new Date(wallClock() + periodMs),
        resetMs: periodMs,
      }
    },
  } satisfies Partial<Cache>
}

function inspecting(scope: Scope) {
  return {
    count: async () => 0,
    stats: async () => ({ total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false }),
    async list(options): Promise<EntryPage> {
      parseList(scope, options)
      return { entries: [] }
    },
    async clearExpired(options) {
      parseSweep(options)
      return { removed: 0, more: false }
    },
    snapshot: async () => OLDEST_SNAPSHOT,
  } satisfies Partial<Cache>
}

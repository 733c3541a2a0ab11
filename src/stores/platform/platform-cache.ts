/** `platformCache`: what Cloudflare and Vercel keep near a function, as the first tier of a tiered cache. */

import { exactCache } from '../../cache/exact-arguments.ts'
import { type GetOptions, parseGet, parsePairs, parseTags, parseWrite } from '../../cache/inputs.ts'
import { type Internals, internals, type PrepareMany } from '../../cache/internals.ts'
import { once } from '../../cache/once.ts'
import { checkedCodec, scopeOf } from '../../cache/settings.ts'
import type { Cache, NamespaceOptions, WriteOptions } from '../../cache.ts'
import { remainingMs } from '../../store/copies.ts'
import { wallClock } from '../../values/clock.ts'
import {
  type Codec,
  DEFAULT_MAX_VALUE_BYTES,
  decodeValue,
  encodeValue,
  jsonCodec,
  type StoredValue,
} from '../../values/codec.ts'
import { describeType, InvalidOptionError } from '../../values/errors.ts'
import { NEVER } from '../../values/expiration.ts'
import { nestedScope, type Scope, storedKey, storedKeys } from '../../values/key.ts'
import { optionsObject } from '../../values/options.ts'
import { randomUUID } from '../../values/random.ts'
import { createMarks, type Marks } from './marks.ts'
import { type NearStorage, noStorage, type RuntimeCache, vercelStorage, workersStorage } from './storages.ts'

/** What a first tier has to do. */
export interface NearCache
  extends Pick<
    Cache,
    'get' | 'getMany' | 'has' | 'set' | 'setMany' | 'deleteMany' | 'clear' | 'invalidate' | 'clearExpired'
  > {
  namespace(name: string, options?: NamespaceOptions): NearCache
}

export interface PlatformCacheOptions {
  /** `getCache()` of `@vercel/functions`. Default: `caches.default` where there is one, else nothing is kept. */
  vercel?: RuntimeCache | undefined
  /** Default: JSON. */
  codec?: Codec | undefined
  /** Before each key: what it shares with other caches of the same zone or project. At most 128 bytes. */
  namespace?: string | undefined
}

/** Of what never expires: the platform forgets it sooner. */
const LONGEST_SECONDS = 86_400

/**
 * A first tier in the platform's own cache: `caches.default` of Cloudflare Workers, which each data centre has for itself, or
 * Vercel's runtime cache, which each region has. Where there is neither, nothing is kept, and the second tier is asked.
 *
 * Shared by the isolates of a place, so a new one begins warm. It cannot count, add or lock, and so is no `Cache` of its own. What
 * this isolate deletes or invalidates it never answers with again; isolates elsewhere may, for as long as
 * `l1Expiration`. On `workers.dev` `caches.default` keeps nothing.
 *
 * @throws InvalidOptionError, InvalidKeyError
 * @example
 * const cache = tieredCache({ l1: platformCache(), l2: createCache(db), l1Expiration: '30s' })
 */
export function platformCache(options?: PlatformCacheOptions): NearCache {
  const given = optionsObject<PlatformCacheOptions>(options, ['vercel', 'codec', 'namespace'])
  const { vercel, codec = jsonCodec, namespace } = given
  if (vercel !== undefined && typeof Object(vercel).expireTag !== 'function') {
    throw new InvalidOptionError(`Expected vercel to be what getCache() gives, got ${describeType(vercel)}.`)
  }
  const storage = vercel === undefined ? undefined : vercelStorage(vercel)
  // On Workers nothing is random at module level, nor may its caches be asked for what they have.
  let id: string | undefined
  return scopedCache(
    {
      storage: () => storage ?? workersStorage() ?? noStorage,
      marks: createMarks(),
      codec: checkedCodec(codec),
      isolate: () => (id ??= randomUUID()),
    },
    scopeOf(namespace),
  )
}

interface Context {
  readonly storage: () => NearStorage
  readonly marks: Marks
  readonly codec: Codec
  readonly isolate: () => string
}

/** A copy as text. Instants are milliseconds since the epoch. */
interface Stored extends StoredValue {
  readonly at: number
  /** Null is never. */
  readonly until: number | null
  readonly tags: readonly string[]
  /** The isolate that wrote it. */
  readonly by: string
}

function scopedCache(
  context: Context,
  scope: Scope,
): NearCache & { readonly [internals]: Pick<Internals, 'prepareMany'> } {
  const { storage, marks, codec, isolate } = context

  async function read(key: string): Promise<Stored | undefined> {
    const text = await storage().read(key)
    const found = text === undefined ? undefined : parsed(text)
    if (found === undefined || (found.until !== null && found.until <= wallClock())) return undefined
    return marks.isOutdated({ ...found, isOwn: found.by === isolate() }) ? undefined : found
  }

  /** Encoded at once, as the caller may change the value later. */
  async function prepared(
    key: string,
    value: unknown,
    options: WriteOptions | undefined,
  ): Promise<() => Promise<void>> {
    const { deadline, tags } = parseWrite({ expiration: NEVER }, options)
    const at = wallClock()
    const stored = await encodeValue(value, key, { codec, maxValueBytes: DEFAULT_MAX_VALUE_BYTES })
    const ms = remainingMs(deadline)
    if (ms <= 0) return () => storage().remove(key)
    const until = Number.isFinite(ms) ? at + ms : null
    const copy: Stored = { ...stored, at, until, tags: tags ?? [], by: isolate() }
    const seconds = Math.min(LONGEST_SECONDS, Math.ceil(ms / 1_000))
    return () => storage().write(key, JSON.stringify(copy), { seconds, tags: tags ?? [] })
  }

  const prepareMany: PrepareMany = async (entries, options) => {
    const pairs = new Map(parsePairs(entries).map(([key, value]) => [storedKey(scope, key), value]))
    const given = once(options)
    const writes = await Promise.all(Array.from(pairs, ([key, value]) => prepared(key, value, given)))
    return async () => void (await Promise.all(writes.map((write) => write())))
  }

  return exactCache({
    get: (async (key: string, options?: GetOptions) => {
      const { fallback } = parseGet(options)
      const stored = storedKey(scope, key)
      const found = await read(stored)
      return found === undefined ? fallback : decodeValue(found, stored, codec)
    }) as Cache['get'],
    getMany: (async (keys: Iterable<string>) => {
      const found = Array.from(storedKeys(scope, keys), async ([stored, key]) => {
        const copy = await read(stored)
        return copy && ([key, await decodeValue(copy, stored, codec)] as const)
      })
      return new Map((await Promise.all(found)).filter((pair) => pair !== undefined))
    }) as Cache['getMany'],
    has: async (key) => (await read(storedKey(scope, key))) !== undefined,
    set: async (key, value, options) => (await prepared(storedKey(scope, key), value, options))(),
    setMany: (async (entries, options) => (await prepareMany(entries, options))()) as Cache['setMany'],
    [internals]: { prepareMany },
    async deleteMany(keys) {
      const stored = [...storedKeys(scope, keys).keys()]
      await Promise.all(stored.map((key) => storage().remove(key)))
      return stored.length
    },
    async clear() {
      marks.clear(wallClock())
      return 0
    },
    async invalidate(tags) {
      const stored = parseTags(tags)
      if (stored === null) return
      marks.invalidate(stored, wallClock())
      await storage().expireTags?.(stored)
    },
    clearExpired: async () => ({ removed: 0, more: false }),
    namespace: (name, options) => scopedCache(context, nestedScope(scope, name, options)),
  })
}

/** What is no copy of ours, or cannot be read, is none. */
function parsed(text: string): Stored | undefined {
  try {
    const found = JSON.parse(text) as Partial<Stored>
    const isCopy = typeof found?.at === 'number' && typeof found.by === 'string' && Array.isArray(found.tags)
    return isCopy ? (found as Stored) : undefined
  } catch {
    return undefined
  }
}

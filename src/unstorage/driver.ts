/** A driver for unstorage that keeps its items as entries of a cache. */
import type { Cache, ListedEntry } from '../cache.ts'
import { createCache } from '../postgres/create-cache.ts'
import { wallClock } from '../values/clock.ts'
import type { Expiration } from '../values/expiration.ts'
import { baseOf, type CallOptions, expirationOf, parseOptions, type UnstorageDriverOptions } from './options.ts'
import { toStorable } from './raw-value.ts'

/** The most keys that one round trip can list. */
const PAGE = 1_000
const MS_PER_SECOND = 1_000
/** Every shortened key has at least this many bytes, because its namespaces leave it more room than this. */
const SHORTENED_BYTES = 150

/** The values of unstorage. */
type Item = null | string | number | boolean | object

// A type alias, because an interface would not fit the index signature of unstorage's own type.
type ItemMeta = {
  /** When the item was written. */
  mtime: Date
  /** Whole seconds until the item expires, by this process's clock. Absent if it does not expire. */
  ttl?: number
}

/** The `Driver` of unstorage 1.17 and 2, declared here so that pgstash does not depend on unstorage. */
export interface UnstorageDriver {
  /** The name of the driver in unstorage. */
  readonly name: 'pgstash'
  /** Tells unstorage that the driver expires items itself. */
  readonly flags: { readonly ttl: true }
  /**
   * Returns the cache in the driver's namespace, for counters, limits and everything else that unstorage has no method
   * for.
   */
  getInstance(): Cache
  /** Returns whether a live item exists. */
  hasItem(key: string): Promise<boolean>
  /** Returns an item as it was stored, or null. unstorage parses it. */
  getItem(key: string): Promise<Item>
  /** Returns several items, in the order of the keys. A missing one has the value null. */
  getItems(items: readonly { readonly key: string }[]): Promise<{ key: string; value: Item }[]>
  /** Returns an item as it was stored, or null: text or bytes. */
  getItemRaw(key: string): Promise<unknown>
  /** Stores an item. `ttl` of the options is in seconds. Without it, or with 0, the driver's `ttl` applies. */
  setItem(key: string, value: string, options?: CallOptions): Promise<void>
  /**
   * Stores several items. An item without a `ttl` gets the `ttl` of the common options. If a key occurs twice, the last
   * item wins.
   */
  setItems(
    items: readonly { readonly key: string; readonly value: string; readonly options?: CallOptions }[],
    commonOptions?: CallOptions,
  ): Promise<void>
  /**
   * Stores text, or the bytes of a buffer, a Blob, a stream or an iterable. The codec stores or refuses every other
   * value.
   */
  setItemRaw(key: string, value: unknown, options?: CallOptions): Promise<void>
  /** Deletes an item. */
  removeItem(key: string): Promise<void>
  /** Returns when a live item was written and when it expires, or null if there is none. */
  getMeta(key: string): Promise<ItemMeta | null>
  /** Returns the keys of the live items that begin with `base`. Omits keys that were too long to be stored whole. */
  getKeys(base?: string): Promise<string[]>
  /** Deletes the items whose keys begin with `base`. Without `base`, deletes all items of the driver. */
  clear(base?: string): Promise<void>
}

/**
 * Creates a driver for unstorage. With it, Nitro and Nuxt keep their caches in Postgres.
 *
 * Creating it connects to nothing, because Nitro also creates it at build time. Each method costs one round trip, with
 * three exceptions: `getKeys` costs one per 1,000 keys, `clear` one per 5,000, and `setItems` one for each different
 * `ttl`.
 *
 * There is no `watch`, because it would need a permanent connection. unstorage reports this process's own writes
 * without it.
 *
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * // nitro.config.ts (in Nuxt: under `nitro`)
 * export default { storage: { cache: { driver: 'pgstash/unstorage' } } }
 * @example
 * const storage = createStorage({ driver: unstorageDriver({ cache }) })
 */
export function unstorageDriver(options?: UnstorageDriverOptions): UnstorageDriver {
  const { cache: given, url, engine, namespace, base, expiration: ownExpiration } = parseOptions(options)
  // The environment variables are read on the first statement, because they are not set during a build.
  const own = given ?? (url === undefined ? createCache.fromEnv(undefined, engine) : createCache(url, engine))
  const cache = own.namespace(namespace)

  const at = (key: string) => base + key
  const expiration = (called: CallOptions | undefined) => expirationOf(called, ownExpiration)
  // Returns text and bytes as they were stored. unstorage parses and converts them.
  const getItem = (key: string) => cache.get<Item>(at(key), { fallback: null })

  return {
    name: 'pgstash',
    flags: { ttl: true },
    getInstance: () => cache,
    hasItem: (key) => cache.has(at(key)),
    getItem,
    getItemRaw: getItem,
    async getItems(items) {
      const found = await cache.getMany<Item>(items.map(({ key }) => at(key)))
      return items.map(({ key }) => ({ key, value: found.get(at(key)) ?? null }))
    },
    async setItem(key, value, called) {
      await cache.set(at(key), value, { expiration: expiration(called) })
    },
    async setItems(items, common) {
      const groups = new Map<Expiration, [string, string][]>()
      // If a key occurs twice, the last item wins, even if its ttl differs.
      for (const { key, value, options: called } of new Map(items.map((item) => [item.key, item])).values()) {
        const life = expiration(called?.ttl === undefined ? common : called)
        const group = groups.get(life) ?? []
        groups.set(life, group)
        group.push([at(key), value])
      }
      for (const [life, entries] of groups) await cache.setMany(entries, { expiration: life })
    },
    async setItemRaw(key, value, called) {
      await cache.set(at(key), await toStorable(value), { expiration: expiration(called) })
    },
    async removeItem(key) {
      await cache.delete(at(key))
    },
    async getMeta(key) {
      // Among the keys with this prefix, the key itself sorts first.
      const { entries } = await cache.list({ prefix: at(key), limit: 1 })
      const [entry] = entries
      return entry?.key === at(key) && entry.state === 'live' ? metaOf(entry) : null
    },
    async getKeys(below) {
      const prefix = base + baseOf(below)
      const keys: string[] = []
      let cursor: string | undefined
      do {
        const page = await cache.list({ ...(prefix === '' ? {} : { prefix }), state: 'live', limit: PAGE, cursor })
        for (const { key, namespace: nested } of page.entries) {
          if (nested.length === 0 && !isShortened(key)) keys.push(key.slice(base.length))
        }
        cursor = page.cursor
      } while (cursor !== undefined)
      return keys
    },
    async clear(below) {
      const prefix = base + baseOf(below)
      await cache.clear(...(prefix === '' ? [] : [{ prefix }]))
    },
  }
}

/**
 * True for a stored key that was shortened because it had more than 512 bytes. It ends in a hash, and `getItem` cannot
 * find it.
 */
function isShortened(key: string): boolean {
  return /#[0-9a-f]{64}$/.test(key) && new TextEncoder().encode(key).length >= SHORTENED_BYTES
}

function metaOf({ updatedAt, expiresAt }: ListedEntry): ItemMeta {
  if (expiresAt === null) return { mtime: updatedAt }
  return { mtime: updatedAt, ttl: Math.max(0, Math.ceil((expiresAt.getTime() - wallClock()) / MS_PER_SECOND)) }
}

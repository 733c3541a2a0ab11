/** A driver for unstorage, whose items are entries of a cache. */
import type { Cache, ListedEntry } from '../cache.ts'
import { createCache } from '../postgres/create-cache.ts'
import { wallClock } from '../values/clock.ts'
import type { Expiration } from '../values/expiration.ts'
import { baseOf, type CallOptions, expirationOf, parseOptions, type UnstorageDriverOptions } from './options.ts'
import { storable } from './raw-value.ts'

/** The most keys that one round trip can list. */
const PAGE = 1_000
const MS_PER_SECOND = 1_000
/** No shortened key is shorter, because its namespaces leave it more room than this. */
const SHORTENED_BYTES = 150

/** The values of unstorage. */
type Item = null | string | number | boolean | object

// A type alias and not an interface, because only that fits the index signature of unstorage's own type.
type ItemMeta = {
  /** When the item was written. */
  mtime: Date
  /** Whole seconds until it expires, by this process's clock. Absent for an item that does not expire. */
  ttl?: number
}

/** The `Driver` of unstorage 1.17 and 2, typed by structure, so that the package is not a dependency of this one. */
export interface UnstorageDriver {
  readonly name: 'pgstash'
  readonly flags: { readonly ttl: true }
  /** The cache, in the driver's namespace: for counters, limits and all else that unstorage has no method for. */
  getInstance(): Cache
  hasItem(key: string): Promise<boolean>
  getItem(key: string): Promise<Item>
  getItems(items: readonly { readonly key: string }[]): Promise<{ key: string; value: Item }[]>
  getItemRaw(key: string): Promise<unknown>
  setItem(key: string, value: string, options?: CallOptions): Promise<void>
  setItems(
    items: readonly { readonly key: string; readonly value: string; readonly options?: CallOptions }[],
    commonOptions?: CallOptions,
  ): Promise<void>
  setItemRaw(key: string, value: unknown, options?: CallOptions): Promise<void>
  removeItem(key: string): Promise<void>
  getMeta(key: string): Promise<ItemMeta | null>
  getKeys(base?: string): Promise<string[]>
  clear(base?: string): Promise<void>
}

/**
 * Creates a driver for unstorage, with which Nitro and Nuxt keep their caches in Postgres.
 *
 * Connects to nothing, because Nitro calls it at build time as well. Each method takes one round trip, with three exceptions:
 * `getKeys` takes one for each 1,000 keys, `clear` one for each 5,000, and `setItems` one for each different `ttl`.
 *
 * There is no `watch`, because it would need a lasting connection. unstorage reports this process's own writes without it.
 *
 * @throws InvalidOptionError, InvalidKeyError, InvalidExpirationError
 * @example
 * // nitro.config.ts; in Nuxt, below `nitro`
 * export default { storage: { cache: { driver: 'pgstash/unstorage' } } }
 * @example
 * const storage = createStorage({ driver: unstorageDriver({ cache }) })
 */
export function unstorageDriver(options?: UnstorageDriverOptions): UnstorageDriver {
  const { cache: given, url, engine, namespace, base, expiration: ownExpiration } = parseOptions(options)
  // The variables of the environment are read at the first statement, because a build has none.
  const own = given ?? (url === undefined ? createCache.fromEnv(undefined, engine) : createCache(url, engine))
  const cache = own.namespace(namespace)

  const at = (key: string) => base + key
  const expiration = (called: CallOptions | undefined) => expirationOf(called, ownExpiration)
  // Text and bytes come back as they were stored. unstorage parses and converts them.
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
      // If a key occurs twice, the last item counts, whatever its ttl.
      for (const { key, value, options: called } of new Map(items.map((item) => [item.key, item])).values()) {
        const life = expiration(called?.ttl === undefined ? common : called)
        const group = groups.get(life) ?? []
        groups.set(life, group)
        group.push([at(key), value])
      }
      for (const [life, entries] of groups) await cache.setMany(entries, { expiration: life })
    },
    async setItemRaw(key, value, called) {
      await cache.set(at(key), await storable(value), { expiration: expiration(called) })
    },
    async removeItem(key) {
      await cache.delete(at(key))
    },
    async getMeta(key) {
      // The key itself is the first of all that start with it.
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

/** True for what is left of a key of more than 512 bytes. It ends in a hash, and is no name that `getItem` knows. */
function isShortened(key: string): boolean {
  return /#[0-9a-f]{64}$/.test(key) && new TextEncoder().encode(key).length >= SHORTENED_BYTES
}

function metaOf({ updatedAt, expiresAt }: ListedEntry): ItemMeta {
  if (expiresAt === null) return { mtime: updatedAt }
  return { mtime: updatedAt, ttl: Math.max(0, Math.ceil((expiresAt.getTime() - wallClock()) / MS_PER_SECOND)) }
}

/** A store for Keyv that keeps its entries in a cache. */
import { checkedCache } from '../cache/checked-cache.ts'
import type { Cache } from '../cache.ts'
import { wallClock } from '../values/clock.ts'
import { InvalidOptionError } from '../values/errors.ts'
import type { Expiration } from '../values/expiration.ts'
import type { KeyvCapabilities, KeyvEntry, KeyvMethod, KeyvStore } from './types.ts'

/** The default namespace of Keyv 5. Keyv 6 has no default, so using this one lets it find the entries of Keyv 5. */
const DEFAULT_NAMESPACE = 'keyv'
/** How many entries the iterator reads at once, values included. */
const PAGE = 100
/** If two TTLs in one batch differ by no more than this, they are meant to be equal. */
const CLOSE_MS = 50
/**
 * A thousand years. Longer TTLs mean "never", because the current time plus such a TTL could be after the year 9999.
 */
const FOREVER_MS = 31_536_000_000_000

const METHODS = 'get getMany has hasMany set setMany delete deleteMany clear iterator'.split(' ') as KeyvMethod[]

/** A cache, and a key in it. */
interface Place {
  readonly cache: Cache
  readonly key: string
}

/**
 * Creates a store for Keyv 5 or 6: `new Keyv({ store: keyvStore(cache) })`.
 *
 * Each Keyv namespace is a namespace of the cache, so `clear()` of one never affects another. `get`, `set`, `has`,
 * `delete`, `getMany`, `hasMany` and `deleteMany` cost one round trip each. `setMany` costs one for each different TTL.
 * With Keyv 6, `deleteMany` costs two, because it must report which keys existed. `iterator` costs two per 100 entries.
 *
 * A TTL is in milliseconds and starts on the database's clock. An entry without a TTL gets the cache's own
 * `expiration`, which is "never" by default. If the database fails, the call rejects, and Keyv emits `error`.
 *
 * Create one store for each Keyv, because Keyv writes its namespace into the store. Creating a store is cheap and sends
 * nothing.
 *
 * @throws InvalidOptionError if `cache` is not a cache
 * @example
 * const keyv = new Keyv({ store: keyvStore(cache), namespace: 'users' })
 * await keyv.set('42', { name: 'Ada' }, 60_000)
 */
export function keyvStore(cache: Cache): KeyvStore {
  return new StoreOverCache(checkedCache(cache, 'the argument of keyvStore'))
}

class StoreOverCache implements KeyvStore {
  readonly opts = { dialect: 'postgres' } as const
  readonly #root: Cache
  /** The namespaces that Keyv set, by name. */
  readonly #named = new Map<string, Cache>()
  readonly #listeners: ((error: unknown) => void)[] = []
  #namespace: string | undefined
  #scope: Cache
  /** Keyv 5 adds the namespace to keys and passes a TTL. Keyv 6 passes plain keys and the instant of expiry. */
  #isKeyv6 = false

  constructor(cache: Cache) {
    this.#root = cache
    this.#scope = cache.namespace(DEFAULT_NAMESPACE)
  }

  // Keyv 6 reads this property when it gets the store, and Keyv 5 does not know it. No other difference shows the
  // version. The property is on the prototype, so that copying and printing a store do not read it.
  get capabilities(): KeyvCapabilities {
    this.#isKeyv6 = true
    const methods = METHODS.map((name) => [name, { exists: true, methodType: 'async' }] as const)
    const [missing, sync] = [
      { exists: false, methodType: 'none' },
      { exists: true, methodType: 'sync' },
    ] as const
    return {
      expires: true,
      compatible: true,
      store: 'keyvStorage',
      methods: { ...Object.fromEntries(methods), iterator: sync, disconnect: missing } as KeyvCapabilities['methods'],
    }
  }

  get namespace(): string | undefined {
    return this.#namespace
  }

  /** @throws InvalidKeyError; InvalidOptionError if two Keyv 6 instances with different namespaces use the store */
  set namespace(namespace: string | undefined) {
    const name = namespace || undefined
    // Keyv 6 passes plain keys, so entries of the first Keyv would go to the second one's namespace.
    if (this.#isKeyv6 && this.#isShared && name !== this.#namespace) throw sharedStoreError()
    const scope = this.#root.namespace(name ?? DEFAULT_NAMESPACE)
    if (name !== undefined) this.#named.set(name, scope)
    this.#namespace = name
    this.#scope = scope
  }

  on(event: string, listener: (error: unknown) => void): this {
    if (event === 'error') this.#listeners.push(listener)
    return this
  }

  async get(key: string): Promise<unknown> {
    const { cache, key: own } = this.#locate(key)
    try {
      return await cache.get(own)
    } catch (error) {
      // Keyv 5 swallows failed reads and emits nothing, so emit the error here. Keyv 6 emits it itself.
      if (!this.#isKeyv6) for (const listener of this.#listeners) listener(error)
      throw error
    }
  }

  async getMany(keys: string[]): Promise<unknown[]> {
    const { cache, keys: own } = this.#locateAll(keys)
    const found = await cache.getMany(own)
    return own.map((key) => found.get(key))
  }

  async has(key: string): Promise<boolean> {
    const { cache, key: own } = this.#locate(key)
    return cache.has(own)
  }

  async hasMany(keys: string[]): Promise<boolean[]> {
    const { cache, keys: own } = this.#locateAll(keys)
    const found = await cache.getMany(own)
    return own.map((key) => found.has(key))
  }

  async set(key: string, value: unknown, ttlOrExpires?: number): Promise<boolean> {
    const { cache, key: own } = this.#locate(key)
    const ttl = this.#isKeyv6 ? ttlUntil(ttlOrExpires, wallClock()) : ttlOrExpires
    await cache.set(own, value, { expiration: expirationOf(ttl) })
    return true
  }

  async setMany(entries: KeyvEntry[]): Promise<boolean[]> {
    const now = wallClock()
    const { cache, keys } = this.#locateAll(entries.map(({ key }) => key))
    const spans = this.#isKeyv6
      ? mergeClose(entries.map(({ expires }) => ttlUntil(expires, now)))
      : entries.map(({ ttl }) => ttl)
    // The statements run at the same time, so each key may be in only one of them. The last entry of a key wins.
    const last = new Map(keys.map((key, i) => [key, i]))
    const batches = new Map<number | undefined, [string, unknown][]>()
    for (const [key, i] of last) {
      const ttl = spans[i]
      const batch = batches.get(ttl) ?? []
      batches.set(ttl, batch)
      batch.push([key, entries[i]?.value])
    }
    await Promise.all(Array.from(batches, ([ttl, batch]) => cache.setMany(batch, { expiration: expirationOf(ttl) })))
    return entries.map(() => true)
  }

  async delete(key: string): Promise<boolean> {
    const { cache, key: own } = this.#locate(key)
    return cache.delete(own)
  }

  /** Returns for Keyv 5 whether any key existed, and for Keyv 6 which keys existed. */
  async deleteMany(keys: string[]): Promise<boolean | boolean[]> {
    const { cache, keys: own } = this.#locateAll(keys)
    if (!this.#isKeyv6) return (await cache.deleteMany(own)) > 0
    const existing = new Set((await cache.getMany(own)).keys())
    await cache.deleteMany(own)
    // If a key occurs twice, report only the first one as deleted.
    return own.map((key) => existing.delete(key))
  }

  async clear(): Promise<void> {
    // The store knows only the namespace that was set last. It may belong to another Keyv.
    if (this.#isShared && this.#named.size > 1) throw sharedStoreError()
    await this.#scope.clear()
  }

  async *iterator(): AsyncGenerator<[string, unknown], void> {
    const scope = this.#scope
    // Keyv 5 removes everything up to the first colon, even without a namespace.
    const prefix = this.#isKeyv6 ? '' : `${this.#namespace ?? ''}:`
    let cursor: string | undefined
    do {
      const page = await scope.list({ state: 'live', limit: PAGE, cursor })
      const own = page.entries.filter(({ namespace }) => namespace.length === 0)
      for (const [key, value] of await scope.getMany(own.map(({ key }) => key))) yield [prefix + key, value]
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  /** True if several Keyv instances use this store. Each adds one listener. */
  get #isShared(): boolean {
    return this.#listeners.length > 1
  }

  /** @throws InvalidOptionError if two Keyv 5 instances share the store, and the key has no known namespace */
  #locate(key: string): Place {
    const plain = { cache: this.#scope, key }
    if (this.#isKeyv6) return plain
    // Keyv itself cannot distinguish the key `b:k` in namespace `a` from the key `k` in `a:b`. Choose the longest name
    // every time, so that the choice is consistent.
    const name = [...this.#named.keys()]
      .filter((name) => key.startsWith(`${name}:`))
      .reduce((longest, name) => (name.length > longest.length ? name : longest), '')
    const cache = this.#named.get(name)
    if (cache !== undefined) return { cache, key: key.slice(name.length + 1) }
    if (this.#isShared && this.#named.size > 1) throw sharedStoreError()
    return plain
  }

  /** Locates the keys of one call, which all belong to one Keyv. @throws InvalidOptionError like {@link #locate} */
  #locateAll(keys: readonly string[]): { cache: Cache; keys: string[] } {
    const places = keys.map((key) => this.#locate(key))
    const cache = places[0]?.cache ?? this.#scope
    if (places.some((place) => place.cache !== cache)) throw sharedStoreError()
    return { cache, keys: places.map(({ key }) => key) }
  }
}

/**
 * Returns the remaining TTL. It is not a `Date`, so that the entry expires by the database's clock alone. Otherwise a
 * process whose clock is behind would store entries that have already expired.
 */
function ttlUntil(expires: number | undefined, now: number): number | undefined {
  return typeof expires === 'number' ? expires - now : undefined
}

/**
 * Replaces close TTLs with the longest of them. Keyv 6 reads the clock for each entry of a batch, so equal TTLs differ
 * by some milliseconds, and each would need a separate statement. Keyv itself still expires each entry at its exact
 * instant.
 */
function mergeClose(spans: readonly (number | undefined)[]): (number | undefined)[] {
  const longestOf = new Map<number | undefined, number>()
  let longest = Number.POSITIVE_INFINITY
  for (const span of spans.filter((span) => span !== undefined).sort((a, b) => b - a)) {
    if (longest - span > CLOSE_MS) longest = span
    longestOf.set(span, longest)
  }
  return spans.map((span) => longestOf.get(span))
}

/** Converts a TTL. Undefined means the cache's own expiration. With zero or less, the entry has expired. */
function expirationOf(ttl: number | undefined): Expiration | undefined {
  if (typeof ttl !== 'number') return undefined
  // Keyv itself treats NaN and Infinity as "never".
  if (!Number.isFinite(ttl) || ttl > FOREVER_MS) return null
  return { milliseconds: ttl }
}

function sharedStoreError(): InvalidOptionError {
  return new InvalidOptionError('Expected one store per Keyv, got two Keyv instances with different namespaces.')
}

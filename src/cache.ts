/** The interface of every cache, and its types. */

import type { Expiration } from './values/expiration.ts'
import type { Jsonified } from './values/jsonified.ts'
import type { NamespaceOptions } from './values/key.ts'
import type { CacheSnapshot } from './values/snapshot.ts'
import type { TimeSpan } from './values/time-span.ts'

export type { CacheSnapshot, NamespaceOptions }

/**
 * A cache. Each method takes one round trip to the database; a miss of `getOrSet` takes two. `namespace` and `entry`
 * send nothing. `clear`, `clearExpired`, exact counts, and batches of more than 10,000 keys or 4 MiB take one round
 * trip for each part.
 *
 * A method rejects invalid input with a `CacheError` before it sends a request. If the database fails, it rejects with
 * a `DatabaseError` or a `DatabaseTimeoutError`, unless `onError: 'miss'` absorbs the failure.
 *
 * @example
 * const cache = createCache(db, { namespace: 'shop', expiration: '10m' })
 * await cache.set('user:42', { name: 'Ada' })
 * const user = await cache.get<{ name: string }>('user:42')
 */
export interface Cache {
  /**
   * Returns the live value of a key, or `undefined`. A stored `null` is a hit.
   *
   * Plain gets of one tick share a statement, up to 100 keys.
   *
   * `sliding` is a positive span, not a `Date`. It keeps the entry for at least that long after this read, in the same
   * round trip. If less than the span remains, the deadline moves to the span plus the cache's `slack`. Permanent
   * entries stay permanent. The deadline does not move if another transaction is writing the entry at that moment.
   *
   * `fallback` is returned in place of `undefined`, and not stored.
   *
   * @throws UnreadableValueError if the codec cannot decode the stored text
   * @example
   * const theme = await cache.get<string>('theme:42', { fallback: 'light', sliding: '1h' })
   */
  get<T = unknown>(key: string, options?: { sliding?: Expiration | undefined }): Promise<T | undefined>
  get<T = unknown>(key: string, options: { fallback: T; sliding?: Expiration | undefined }): Promise<T>
  get<T = unknown, D = null>(key: string, options: { fallback: D; sliding?: Expiration | undefined }): Promise<T | D>
  /**
   * Returns the live values of `keys`, in the order of the keys. A key without a live entry is not in the map.
   *
   * @throws UnreadableValueError if the codec cannot decode one of the texts
   * @example
   * const users = await cache.getMany<User>(['user:1', 'user:2'])
   * const ada = users.get('user:1')
   */
  getMany<T = unknown>(keys: Iterable<string>): Promise<Map<string, T>>
  /**
   * Returns whether a live entry exists, without transferring its value.
   *
   * @example
   * if (await cache.has('user:42')) return
   */
  has(key: string): Promise<boolean>
  /**
   * Stores a value and replaces the whole entry, including its deadline and tags.
   *
   * @throws UnserializableValueError, ValueTooLargeError
   * @example
   * await cache.set('product:42', product, { expiration: '10m', tags: ['products'] })
   */
  set(key: string, value: unknown, options?: WriteOptions): Promise<void>
  /**
   * Stores many entries in one statement. If a key occurs twice, its last value wins.
   *
   * A batch that is too large for one statement is split, and each part is atomic.
   *
   * @throws UnserializableValueError, ValueTooLargeError; nothing is stored then
   * @example
   * await cache.setMany({ 'user:1': ada, 'user:2': grace }, { expiration: '10m' })
   */
  setMany(entries: Iterable<readonly [string, unknown]>, options?: WriteOptions): Promise<void>
  setMany(
    entries: Record<string, unknown> | Iterable<readonly [string, unknown]>,
    options?: WriteOptions,
  ): Promise<void>
  /**
   * Stores a value if no live entry exists. Returns true if it stored the value.
   *
   * @throws UnserializableValueError, ValueTooLargeError
   * @example
   * const isFirst = await cache.add(`webhook:${id}`, true, { expiration: '1d' })
   */
  add(key: string, value: unknown, options?: WriteOptions): Promise<boolean>
  /**
   * Returns the live value of a key. On a miss, computes the value, stores it and returns it.
   *
   * A hit takes one round trip, a miss two. Across all processes and isolates, one caller computes at a time. The
   * others wait for it, up to `lease`, or get the old value if they pass `stale`. If the key is written or one of its
   * tags is invalidated during the computation, the computed value is returned but not stored. `compute` may also be a
   * value.
   *
   * Each caller gets the value as the codec decodes it, on a miss as well as on a hit. With JSON, a Date becomes a
   * string both times, and the type says so. For a codec that keeps more types, name the decoded type:
   * `getOrSet<User, User>(…)`.
   *
   * @throws the error of `compute`, unless a stale value may be served; UnserializableValueError or ValueTooLargeError
   *   for the computed value; DatabaseError or DatabaseTimeoutError, unless `onError: 'miss'`
   * @example
   * const user = await cache.getOrSet(`user:${id}`, () => loadUser(id), { expiration: '10m', stale: '1h' })
   */
  getOrSet<T>(key: string, compute: (fill: Fill) => T | Promise<T>, options?: GetOrSetOptions): Promise<Jsonified<T>>
  getOrSet<T>(key: string, compute: T, options?: GetOrSetOptions): Promise<Jsonified<T>>
  /** For a codec that keeps more types than JSON. `Kept` is the decoded type. */
  getOrSet<T, Kept>(
    key: string,
    compute: T | ((fill: Fill) => T | Promise<T>),
    options?: GetOrSetOptions,
  ): Promise<Kept>
  /**
   * Moves a live entry's deadline without rewriting its value. Returns false if there is no live entry.
   *
   * `null` makes the entry permanent. So does leaving out `expiration`, if the cache has no default expiration.
   *
   * @example
   * await cache.touch('session:42', '30m')
   */
  touch(key: string, expiration?: Expiration): Promise<boolean>
  /**
   * Adds to a number, atomically and in exact decimals, and returns the sum. `delta` is 1 by default.
   *
   * A missing, expired or `null` entry counts as 0 and gets the given expiration. A live counter keeps its deadline,
   * unless `sliding` is true.
   *
   * @throws InvalidDeltaError, NotANumberError, CounterRangeError; each leaves the entry unchanged
   * @example
   * const views = await cache.increment('views:42', 1, { expiration: '1d' })
   */
  increment(key: string, delta?: number, options?: CounterOptions): Promise<number>
  /**
   * Subtracts from a number: `increment` by the negative of `delta`, which is 1 by default.
   *
   * @throws InvalidDeltaError, NotANumberError, CounterRangeError; each leaves the entry unchanged
   * @example
   * const left = await cache.decrement('seats:42')
   */
  decrement(key: string, delta?: number, options?: CounterOptions): Promise<number>
  /**
   * Counts a call against a limit, exactly, across all processes. A refused call uses up nothing of the limit.
   *
   * By default, windows are fixed, and each starts with its first call. `algorithm` selects a sliding window or a token
   * bucket.
   *
   * @throws InvalidOptionError, InvalidExpirationError; NotANumberError if the key holds something else
   * @example
   * const { allowed, retryMs } = await cache.limit(`login:${ip}`, { limit: 5, period: '1m' })
   */
  limit(key: string, rule: LimitRule): Promise<LimitResult>
  /**
   * Deletes a key and returns its live value. If several callers pull a key at once, only one of them gets the value.
   *
   * A value that cannot be decoded is lost.
   *
   * @throws UnreadableValueError if the codec cannot decode the stored text
   * @example
   * const token = await cache.pull<string>('login-token:42')
   */
  pull<T = unknown>(key: string): Promise<T | undefined>
  /**
   * Deletes a key. Returns true if a live entry was removed.
   *
   * @example
   * await cache.delete('user:42')
   */
  delete(key: string): Promise<boolean>
  /**
   * Deletes keys and returns how many live entries were removed.
   *
   * @example
   * const removed = await cache.deleteMany(['user:1', 'user:2'])
   */
  deleteMany(keys: Iterable<string>): Promise<number>
  /**
   * Deletes everything in this namespace and in nested ones. Returns how many rows were removed.
   *
   * With `prefix`, deletes only keys and nested namespaces whose names start with it. Takes one round trip for each
   * 5,000 rows.
   *
   * @example
   * await cache.clear({ prefix: 'user:42:' })
   */
  clear(options?: ClearOptions): Promise<number>
  /**
   * Returns the number of live entries in this namespace and in nested ones.
   *
   * The number is exact: an entry that is live during the whole count is counted once. The first round trip counts
   * 10,000 entries and later ones up to 100,000 each, so no statement takes long. An estimate (`estimate: true`) takes
   * one round trip, however many entries there are.
   *
   * @example
   * const about = await cache.count({ estimate: true })
   */
  count(options?: CountOptions): Promise<number>
  /**
   * Returns when a live entry expires: `null` if never, `undefined` if there is no live entry.
   *
   * @example
   * const expiresAt = await cache.expiration('user:42')
   */
  expiration(key: string): Promise<Date | null | undefined>
  /**
   * Invalidates the entries that have any of the tags, in every namespace. From now on they read as absent.
   *
   * @example
   * await cache.invalidate(['products', 'product:42'])
   */
  invalidate(tags: string | Iterable<string>): Promise<void>
  /**
   * Returns the present instant for `WriteOptions.asOf`. Take it before you read the data that a tagged value contains.
   *
   * @example
   * const asOf = await cache.snapshot()
   * const product = await loadProduct(42)
   * await cache.set('product:42', product, { tags: ['products'], asOf })
   */
  snapshot(): Promise<CacheSnapshot>
  /**
   * Deletes expired and invalidated entries in batches. Safe under live traffic: call it from a cron trigger.
   *
   * An expired entry stays as long as it may be served stale.
   *
   * @example
   * const { removed, more } = await cache.clearExpired({ timeBudget: '20s' })
   */
  clearExpired(options?: ClearExpiredOptions): Promise<CleanupResult>
  /**
   * Returns the number of entries in each state, and their bytes, in this namespace and in nested ones.
   *
   * In Postgres, figures above 10,000 entries (per node) are estimates from a sample, and `estimated` is true. An
   * estimate takes one round trip, however large the table. `exact: true` counts everything, in parts.
   *
   * @example
   * const { total, expired, bytes } = await cache.stats()
   */
  stats(options?: StatsOptions): Promise<CacheStats>
  /**
   * Returns a page of entries in key order, without values.
   *
   * Each page examines a bounded number of entries. With a prefix or a state, a page can therefore be short or empty
   * although more entries follow. Only a page without `cursor` is the last.
   *
   * @example
   * let cursor: string | undefined
   * do {
   *   const page = await cache.list({ state: 'expired', cursor })
   *   for (const { key } of page.entries) console.log(key)
   *   cursor = page.cursor
   * } while (cursor !== undefined)
   */
  list(options?: ListOptions): Promise<EntryPage>
  /**
   * Returns the cache of a namespace nested in this one. It shares this cache's connection, statements and options.
   *
   * @throws InvalidKeyError, InvalidOptionError; thrown synchronously
   * @example
   * const users = cache.namespace('users', { version: 2 })
   * await users.set('42', { name: 'Ada' })
   */
  namespace(name: string, options?: NamespaceOptions): Cache
  /**
   * Returns the handle of one key.
   *
   * @throws InvalidKeyError; thrown synchronously
   * @example
   * const profile = cache.entry<Profile>('profile:42')
   */
  entry<T = unknown>(key: string): CacheEntry<T>
}

/** Options of writes: {@link Cache.set}, {@link Cache.setMany}, {@link Cache.add} and {@link CacheEntry.set}. */
export interface WriteOptions {
  /** When the entry expires. Default: the cache's default expiration, or never. */
  expiration?: Expiration | undefined
  /** The tags by which `invalidate` finds the entry. A string is one tag. Default: none. */
  tags?: Iterable<string> | undefined
  /**
   * A snapshot that was taken before the data of the value was read. Default: the time of the call.
   *
   * Only tagged entries need it.
   */
  asOf?: CacheSnapshot | undefined
}

/** Options of {@link Cache.getOrSet}. */
export interface GetOrSetOptions extends WriteOptions {
  /** True if a hit renews the deadline by `expiration`, which must then be a positive span. Default false. */
  sliding?: boolean | undefined
  /** The longest total life of the entry, a positive span. Sliding hits do not extend it. Default: no limit. */
  maxAge?: Expiration | undefined
  /**
   * How long after its deadline the old value is kept, and this caller accepts it. The caller gets it while a refresh
   * is under way, or if the computation fails (stale-while-revalidate and stale-if-error of RFC 5861). `null`: without
   * limit. Default: not at all.
   */
  stale?: Expiration | undefined
  /**
   * How long other callers wait for the one that computes. After that they compute as well. If another caller takes
   * over a lost lease, they wait once more. A positive span, default 10 s.
   */
  lease?: Expiration | undefined
  /**
   * Refreshes a live entry early, at random (XFetch, VLDB 2015). An early refresh is likelier near the deadline, and
   * for values that took long to compute. 1 suits most programs; larger values refresh earlier. Default 0: off.
   */
  beta?: number | undefined
  /**
   * The longest that this caller waits for its own refresh. It applies if there is an old value to return: one within
   * `stale`, or a live one during an early refresh. After that time the caller gets the old value, and the computation
   * goes on. A plain number is milliseconds.
   *
   * Default: 0 with `waitUntil`, and otherwise as long as the computation takes. `waitUntil` keeps the computation
   * alive. Without it, an edge runtime may end the computation with the response.
   */
  softTimeout?: TimeSpan | undefined
  /**
   * How long no process refreshes the key after a refresh failed. Callers that accept the old value get it meanwhile. A
   * positive span. Default: the next caller tries again.
   *
   * The backoff ends early if a caller finds no value that it accepts, or if the entry is written or removed.
   */
  backoff?: Expiration | undefined
  /**
   * Rejects this call with the signal's reason when the signal aborts. The computation gets the signal too. Other
   * callers are not affected. Default: nothing aborts the call.
   */
  signal?: AbortSignal | undefined
  /**
   * Keeps this call's background work alive, in place of the cache's `waitUntil`. Use it if requests share a cache.
   * Default: the cache's `waitUntil`.
   */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

/** The argument of a computation, by which it decides how its value is stored. */
export interface Fill {
  /** The key that the caller passed. */
  readonly key: string
  /** Aborts when the caller's signal does, and never if the caller passed none. Pass it to `fetch`. */
  readonly signal: AbortSignal
  /** Overrides the expiration, now that the value is known. With zero or a past instant, no live entry is stored. */
  expireIn(expiration: Expiration): void
  /** Adds tags to those of the call's options. */
  tag(...tags: string[]): void
  /**
   * The caller gets the value, but the value is not stored, and no other caller gets it. It is encoded and decoded like
   * a stored value. If the codec refuses it, the caller gets it unchanged.
   */
  skip(): void
}

/** Options of {@link Cache.increment} and {@link Cache.decrement}. */
export interface CounterOptions {
  /** When a new counter expires; with `sliding`, also a live one. Default: the cache's default expiration, or never. */
  expiration?: Expiration | undefined
  /** True to move a live counter's deadline as well. The expiration must then be a positive span. Default false. */
  sliding?: boolean | undefined
}

/** How `limit` counts. */
export type LimitAlgorithm = 'fixed-window' | 'sliding-window' | 'token-bucket'

/** The limit that {@link Cache.limit} counts a call against. */
export interface LimitRule {
  /** Calls allowed in a window, or the size of the bucket: 0 or more. */
  limit: number
  /** The window's length, or the time between two refills of the bucket: a positive span. */
  period: Expiration
  /**
   * How the calls are counted. Default `'fixed-window'`.
   *
   * - `fixed-window` starts with its first call. Around its end, up to twice the limit can pass within one period.
   * - `sliding-window` also counts the calls of the previous window, weighted by the share of it within the last
   *   period.
   * - `token-bucket` allows bursts of up to `limit` calls. After each period, `refill` tokens come back.
   */
  algorithm?: LimitAlgorithm | undefined
  /** The tokens that come back after each period: from 1 to `limit`. Required for a token bucket, refused otherwise. */
  refill?: number | undefined
  /**
   * How many calls this one counts as: a whole number, default 1.
   *
   * A call that costs more than remains is refused, and counts nothing. A call of cost 0 counts nothing either:
   * `allowed` tells whether a call would be allowed. A negative cost gives calls back, but never more than were
   * counted.
   */
  cost?: number | undefined
  /**
   * True to remember a refusal in this process. Until the same call could succeed, the key is refused without a
   * request. Until then this process does not see changes by other processes, such as a reset. Default false.
   */
  blockList?: boolean | undefined
}

/** The answer of {@link Cache.limit}. */
export interface LimitResult {
  /** True if the limit allows the call. A refused call uses up nothing of the limit. */
  allowed: boolean
  /** The calls that count now, including this one even if it was refused: at most `limit + 1`. */
  count: number
  /** The calls that are left. */
  remaining: number
  /** When the window ends or the bucket is full, by the database's clock. */
  resetAt: Date
  /** Milliseconds from this call until `resetAt`, measured by the database's clock alone. */
  resetMs: number
  /**
   * Milliseconds until the same call could succeed if no other call came. Use it for `Retry-After`. 0 if the call was
   * allowed, Infinity if it costs more than the limit.
   */
  retryMs: number
  /** `'block list'` if the call was refused in this process, without a request. Otherwise absent. */
  reason?: 'block list'
}

/** Options of {@link Cache.clear}. */
export interface ClearOptions {
  /**
   * The beginning of the keys, case-sensitive. It must not be empty, so that a missing value cannot delete everything.
   */
  prefix: string
}

/** Options of {@link Cache.clearExpired}. */
export interface ClearExpiredOptions {
  /** The most entries that one statement removes. Default 5,000. */
  batch?: number | undefined
  /** The time after which no further batch starts. A plain number is milliseconds. Default: no limit. */
  timeBudget?: TimeSpan | undefined
  /** Called after each batch with the number removed so far. Default: not called. */
  onProgress?: ((removed: number) => void) | undefined
  /** Ends the run after the current batch, as `timeBudget` does. Default: nothing ends the run early. */
  signal?: AbortSignal | undefined
}

/** The result of {@link Cache.clearExpired}. */
export interface CleanupResult {
  /** Removed entries that were expired or invalidated. */
  removed: number
  /** Live entries that were evicted because of `maxEntries` or `maxBytes`. Absent if the cache has neither. */
  evicted?: number
  /** True if the time budget, the signal or the bound on evictions ended the run, and entries to remove are left. */
  more: boolean
}

/** Options of {@link Cache.count}. */
export interface CountOptions {
  /**
   * True to return an estimate, which is `unexpired + forever` of `stats()`. With few entries the estimate is exact:
   * `estimated` of `stats()` tells. Default false.
   */
  estimate?: boolean | undefined
  /**
   * Called after each part with the number of entries counted so far, expired ones included. Refused for an estimate.
   * Default: not called.
   */
  onProgress?: ((counted: number) => void) | undefined
  /**
   * Ends the count after the current part. The call then rejects with the signal's reason. Refused for an estimate.
   * Default: the count runs to its end.
   */
  signal?: AbortSignal | undefined
}

/** Options of {@link Cache.stats}. */
export interface StatsOptions {
  /**
   * True to count every entry, in parts as `count` does. No statement takes long, but all together take up to a second
   * for each 100,000 entries. Default false: an estimate if there are many entries.
   */
  exact?: boolean | undefined
  /**
   * Called after each part with the number of entries counted so far, expired ones included. Needs `exact`. Default:
   * not called.
   */
  onProgress?: ((counted: number) => void) | undefined
  /**
   * Ends the count after the current part. The call then rejects with the signal's reason. Needs `exact`. Default: the
   * count runs to its end.
   */
  signal?: AbortSignal | undefined
}

/** The result of {@link Cache.stats}: the number of entries in each state, and their bytes. */
export interface CacheStats {
  /** All rows, including expired ones that wait for cleanup. */
  total: number
  /** Rows that read as absent: expired or invalidated. */
  expired: number
  /** Live entries that will expire. */
  unexpired: number
  /** Live entries that never expire. */
  forever: number
  /** The bytes of keys and values, as stored: compressed. */
  bytes: number
  /** True if a figure is an estimate. */
  estimated: boolean
}

/** Options of {@link Cache.list}. */
export interface ListOptions {
  /**
   * The beginning of the keys to list, case-sensitive. With it, nested namespaces are not listed. Default: all entries
   * of this namespace and nested ones.
   */
  prefix?: string | undefined
  /** `expired` includes invalidated entries, `live` includes permanent ones. Default: all. */
  state?: 'live' | 'expired' | 'forever' | 'invalidated' | undefined
  /** The most entries of a page: 1 to 1,000. Default 100. */
  limit?: number | undefined
  /** The `cursor` of the previous page. Default: the list begins with the first entry. */
  cursor?: string | undefined
}

/** The state of a listed entry. `live` entries can be read, and all others read as absent. */
export type EntryState = 'live' | 'expired' | 'invalidated'

/** An entry as {@link Cache.list} returns it: everything but its value. */
export interface ListedEntry {
  /** The key, without its namespace. A key that was too long to be stored whole is shortened, and ends with a hash. */
  key: string
  /** The path of nested namespaces from this cache to the entry. A version is written with an `@` before it. */
  namespace: string[]
  /**
   * `expired` if its deadline has passed, `invalidated` if one of its tags was invalidated before that. Both read as
   * absent, and `state: 'expired'` lists both.
   */
  state: EntryState
  /** When the entry expires or expired, by the clock of the store. Null if it never expires. */
  expiresAt: Date | null
  /** The tags of the entry; empty if it has none. A tag of more than 512 bytes is shortened, and ends with a hash. */
  tags: string[]
  /** The bytes of key and value, as stored: compressed. */
  bytes: number
  /**
   * When the entry was last written by `set`, `add` or a fill, or when its counter began, by the clock of the store.
   * Counting and moving the deadline do not change it.
   */
  createdAt: Date
  /** When the entry was last changed, by the clock of the store. Counting and moving the deadline change it too. */
  updatedAt: Date
}

/** A page of {@link Cache.list}. */
export interface EntryPage {
  /** Entries in key order. A page with a cursor may have fewer entries than `limit`, or none. */
  entries: ListedEntry[]
  /** Pass it to get the next page. Absent on the last page only. */
  cursor?: string
}

/**
 * The handle of one key. It reads the row once, and remembers it until `reload`, `set` or `delete`.
 *
 * @example
 * const profile = cache.entry<Profile>('profile:42')
 * if (await profile.exists()) return profile.value() // one round trip for both
 */
export interface CacheEntry<T> {
  /** Returns whether a live entry exists. Reads the row unless this handle knows it. */
  exists(): Promise<boolean>
  /**
   * Returns the live value, or `undefined`. Reads the row unless this handle knows it. Each call decodes a new value.
   */
  value(): Promise<T | undefined>
  /**
   * Stores a value and returns it as the codec decodes it, as the next `value()` would. The handle then forgets the
   * row.
   */
  set(value: T, options?: WriteOptions): Promise<T>
  /** Deletes the key. Returns true if a live entry was removed. The handle then forgets the row. */
  delete(): Promise<boolean>
  /** Forgets the row, so that the next call reads it again. Sends nothing. */
  reload(): void
}

/** The one interface that every store implements, and the types it speaks. */

import type { Expiration } from './values/expiration.ts'
import type { Jsonified } from './values/jsonified.ts'
import type { NamespaceOptions } from './values/key.ts'
import type { CacheSnapshot } from './values/snapshot.ts'
import type { TimeSpan } from './values/time-span.ts'

export type { CacheSnapshot, NamespaceOptions }

/**
 * A cache. Every method is one round trip to the database, and a miss of `getOrSet` is two. `namespace` and `entry` send
 * nothing. `clear`, `clearExpired`, exact counts and batches of more than 10,000 keys or 4 MiB take one round trip for each part.
 *
 * Bad input rejects with a `CacheError` before any request.
 *
 * @example
 * const cache = createCache(db, { namespace: 'shop', expiration: '10m' })
 * await cache.set('user:42', { name: 'Ada' })
 * const user = await cache.get<{ name: string }>('user:42')
 */
export interface Cache {
  /**
   * The live value of a key, or `undefined`; a stored `null` is a hit.
   *
   * `sliding` (a positive span, no `Date`) keeps the entry for at least that long after this read, in the same round
   * trip: the deadline moves when less than the span remains, to the span plus the cache's `slack`. Permanent entries
   * stay so. The move is left out where another transaction is writing the entry at that moment.
   * Plain gets of one tick share a statement, up to 100 keys.
   */
  get<T = unknown>(key: string, options?: { sliding?: Expiration | undefined }): Promise<T | undefined>
  get<T = unknown>(key: string, options: { fallback: T; sliding?: Expiration | undefined }): Promise<T>
  get<T = unknown, D = null>(key: string, options: { fallback: D; sliding?: Expiration | undefined }): Promise<T | D>
  /** The live entries among `keys`, in the order asked. */
  getMany<T = unknown>(keys: Iterable<string>): Promise<Map<string, T>>
  /** Whether a live entry exists; moves no value. */
  has(key: string): Promise<boolean>
  /** Stores a value and rewrites the whole entry, deadline and tags included. */
  set(key: string, value: unknown, options?: WriteOptions): Promise<void>
  /** Stores many in one statement (split only by size, each part atomic); of duplicates the last wins. */
  setMany(entries: Iterable<readonly [string, unknown]>, options?: WriteOptions): Promise<void>
  setMany(
    entries: Record<string, unknown> | Iterable<readonly [string, unknown]>,
    options?: WriteOptions,
  ): Promise<void>
  /** Stores a value where no live entry exists; true if it did. */
  add(key: string, value: unknown, options?: WriteOptions): Promise<boolean>
  /**
   * The live value of a key, or what `compute` makes of it, stored for the next callers.
   *
   * One round trip on a hit, two on a miss. Of all callers, in every process and isolate, one computes at a time; others
   * wait for it, up to `lease`, or take the old value where they pass `stale`. What was computed before another write of
   * the key, or an invalidation of one of its tags, is returned and not stored. `compute` may be a value.
   *
   * Each caller gets the value as the codec brings it back, on a miss as on a hit. With JSON a Date is a string both times,
   * and the type says so. For a codec that keeps more, name the type that it brings back: `getOrSet<User, User>(…)`.
   *
   * @throws what `compute` throws, unless a stale value may be served; UnserializableValueError, ValueTooLargeError of its
   *   value; DatabaseError, DatabaseTimeoutError unless `onError: 'miss'`
   * @example
   * const user = await cache.getOrSet(`user:${id}`, () => loadUser(id), { expiration: '10m', stale: '1h' })
   */
  getOrSet<T>(key: string, compute: (fill: Fill) => T | Promise<T>, options?: GetOrSetOptions): Promise<Jsonified<T>>
  getOrSet<T>(key: string, compute: T, options?: GetOrSetOptions): Promise<Jsonified<T>>
  /** The same for a codec that keeps more than JSON: `Kept` is the type that it brings back. */
  getOrSet<T, Kept>(
    key: string,
    compute: T | ((fill: Fill) => T | Promise<T>),
    options?: GetOrSetOptions,
  ): Promise<Kept>
  /**
   * Moves a live entry's deadline without rewriting its value. False: none was live.
   *
   * `null` makes it permanent; so does nothing at all, in a cache without an expiration of its own.
   */
  touch(key: string, expiration?: Expiration): Promise<boolean>
  /**
   * Adds to a number, atomically and in exact decimals, and answers the sum. What is missing, expired or `null` counts
   * as 0 and takes the expiration given; a live counter keeps its deadline unless `sliding`.
   *
   * @throws InvalidDeltaError, NotANumberError, CounterRangeError; the entry is then unchanged
   */
  increment(key: string, delta?: number, options?: CounterOptions): Promise<number>
  /** `increment` by the negative of `delta`. */
  decrement(key: string, delta?: number, options?: CounterOptions): Promise<number>
  /**
   * Counts a call against a limit, exactly, for all processes together. A refused call counts nothing.
   *
   * By default a window is fixed, and starts with its first call. `algorithm` selects a sliding window or a token bucket.
   *
   * @throws InvalidOptionError, InvalidExpirationError; NotANumberError if the key holds something else
   * @example
   * const { allowed, retryMs } = await cache.limit(`login:${ip}`, { limit: 5, period: '1m' })
   */
  limit(key: string, rule: LimitRule): Promise<LimitResult>
  /** Deletes a key and answers its live value; of several callers one gets it. A value that cannot be decoded is lost. */
  pull<T = unknown>(key: string): Promise<T | undefined>
  /** Deletes a key; true if a live entry was removed. */
  delete(key: string): Promise<boolean>
  /** Deletes keys and answers how many live entries were removed. */
  deleteMany(keys: Iterable<string>): Promise<number>
  /**
   * Deletes everything in this namespace and those nested in it; answers the rows removed.
   *
   * With `prefix`, only keys that start with it, and namespaces nested in this one whose name does. Takes one round trip for each
   * 5,000 rows.
   *
   * @example
   * await cache.clear({ prefix: 'user:42:' })
   */
  clear(options?: ClearOptions): Promise<number>
  /**
   * The number of live entries, in this namespace and those nested in it.
   *
   * Exact: each entry that is live throughout counts once. One round trip counts 10,000 entries, and later ones up to 100,000
   * each, so no statement takes long. With `estimate: true` it takes one round trip, however many there are.
   *
   * @example
   * const about = await cache.count({ estimate: true })
   */
  count(options?: CountOptions): Promise<number>
  /** When a live entry expires; `null` never, `undefined` where there is no live entry. */
  expiration(key: string): Promise<Date | null | undefined>
  /** Entries with any of the tags read as absent from now on, in every namespace. */
  invalidate(tags: string | Iterable<string>): Promise<void>
  /** "As of now", for `WriteOptions.asOf`: take it before reading the data that a tagged value is made of. */
  snapshot(): Promise<CacheSnapshot>
  /** Removes entries that are past keeping, in batches, beside any traffic; call it from a cron trigger. */
  clearExpired(options?: ClearExpiredOptions): Promise<CleanupResult>
  /**
   * Counts by state, and bytes, of this namespace and those nested in it.
   *
   * In Postgres, figures above 10,000 entries (of each node) are estimates from a sample, and `estimated` is true. An estimate takes
   * one round trip, however large the table. `exact: true` counts everything, in parts.
   */
  stats(options?: StatsOptions): Promise<CacheStats>
  /**
   * A page of entries in key order, without values.
   *
   * A page ends after a bounded number of entries, found or not. So with a prefix or a state it can be short or empty, and the
   * list still goes on. Only a page without `cursor` is the last.
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
   * The cache of a namespace nested in this one; shares its connection, statements and options.
   *
   * @throws InvalidKeyError, InvalidOptionError at once
   */
  namespace(name: string, options?: NamespaceOptions): Cache
  /** The handle of one key. */
  entry<T = unknown>(key: string): CacheEntry<T>
}

export interface WriteOptions {
  /** Default: the cache's own; without one, never. */
  expiration?: Expiration | undefined
  /** What `invalidate` finds the entry by. */
  tags?: Iterable<string> | undefined
  /** What the value was made of was read no earlier than this; default: at the call. Matters for tagged entries only. */
  asOf?: CacheSnapshot | undefined
}

export interface GetOrSetOptions extends WriteOptions {
  /** A hit pushes the deadline out again by `expiration`, which must be a positive span. Default false. */
  sliding?: boolean | undefined
  /** The entry's total life, a positive span: bounds what `expiration` and sliding hits make of it. Default: none. */
  maxAge?: Expiration | undefined
  /**
   * How long after its deadline the old value is kept, and taken by this caller, while one caller refreshes it or when
   * the computation fails (stale-while-revalidate and stale-if-error of RFC 5861). `null`: for any time. Default: not at all.
   */
  stale?: Expiration | undefined
  /**
   * How long others wait for the one that computes, and then compute as well; once more where it was lost and another took
   * over. A positive span, default 10 s.
   */
  lease?: Expiration | undefined
  /**
   * Refreshes a live entry early, by chance, and the likelier the nearer its deadline and the longer it took to compute
   * (XFetch, VLDB 2015). 1 suits most, more is earlier; default 0: off.
   */
  beta?: number | undefined
  /**
   * The longest that this caller waits for its own refresh, if it has an old value to return: one within `stale`, or a live one in
   * an early refresh. After it the caller gets the old value, and the computation goes on. A plain number is milliseconds.
   *
   * Default: 0 with `waitUntil`, and otherwise as long as the computation takes. `waitUntil` keeps the computation alive; without
   * it, an edge runtime may end it with the response.
   */
  softTimeout?: TimeSpan | undefined
  /**
   * For this long after a refresh failed, no process refreshes the key, and callers get the old value if they take it. A positive
   * span. Default: the next caller tries again.
   *
   * It ends early if a caller finds no value that it takes, or if anybody writes or removes the entry.
   */
  backoff?: Expiration | undefined
  /** Ends this caller's waiting, with the signal's reason; handed on to the computation. Others are not affected. */
  signal?: AbortSignal | undefined
  /** Keeps this call's background work alive instead of the cache's own `waitUntil`: for a cache that requests share. */
  waitUntil?: ((work: Promise<unknown>) => void) | undefined
}

/** What a computation is given. */
export interface Fill {
  /** The key as the caller named it. */
  readonly key: string
  /** Aborts when the caller's own signal does; of use to `fetch`. */
  readonly signal: AbortSignal
  /** Overrides the expiration, now that the value is known; zero or a past instant stores nothing that lives. */
  expireIn(expiration: Expiration): void
  /** Adds tags. */
  tag(...tags: string[]): void
  /**
   * Returns the value without storing it; no other caller gets it. It has the form that a stored one would have, but what
   * the codec refuses is returned as it is.
   */
  skip(): void
}

export interface CounterOptions {
  /** For a new counter, or with `sliding` for every call. Default: the cache's own; without one, never. */
  expiration?: Expiration | undefined
  /** Moves a live counter's deadline as well; the expiration must then be a positive span. Default false. */
  sliding?: boolean | undefined
}

/** How `limit` counts. */
export type LimitAlgorithm = 'fixed-window' | 'sliding-window' | 'token-bucket'

export interface LimitRule {
  /** Calls allowed in a window, or the size of the bucket: 0 or more. */
  limit: number
  /** The window's length, or the time between two refills of the bucket: a positive span. */
  period: Expiration
  /**
   * Default `'fixed-window'`.
   *
   * - `fixed-window` starts with its first call. Around its end, up to twice the limit can pass within one period.
   * - `sliding-window` also counts the calls of the window before, by the share of it that lies within one period.
   * - `token-bucket` lets bursts of up to `limit` calls through. After each period, `refill` tokens come back.
   */
  algorithm?: LimitAlgorithm | undefined
  /** The tokens that come back after each period: from 1 to `limit`. A token bucket needs it, and nothing else takes it. */
  refill?: number | undefined
  /**
   * How many calls this one counts as: a whole number, default 1.
   *
   * A call that costs more than what remains is refused, and counts nothing. 0 only looks: `allowed` then tells whether a call
   * would be allowed. A negative cost gives calls back, and never more than were counted.
   */
  cost?: number | undefined
  /**
   * True to refuse a key in this process, without a request, from a refusal until the same call could succeed. Changes by other
   * processes, such as a reset, are not seen until then. Default false.
   */
  blockList?: boolean | undefined
}

export interface LimitResult {
  allowed: boolean
  /** Calls that count now, this one included even if it was refused: at most `limit + 1`. */
  count: number
  /** Calls that are left. */
  remaining: number
  /** When the window ends, or the bucket is full, by the database's clock. */
  resetAt: Date
  /** Milliseconds from the count until `resetAt`, by the database's clock alone. */
  resetMs: number
  /**
   * Milliseconds until the same call could succeed, if no other came: what `Retry-After` needs. 0 if it was allowed, Infinity if
   * it costs more than the limit.
   */
  retryMs: number
  /** `'block list'` if the call was refused in this process, without a request. */
  reason?: 'block list'
}

export interface ClearOptions {
  /** Case-sensitive. Must not be empty, so that a missing value cannot delete everything. */
  prefix: string
}

export interface ClearExpiredOptions {
  /** Entries removed by one statement; default 5,000. */
  batch?: number | undefined
  /** After it no further batch starts. A plain number is milliseconds; default: no limit, until all is done. */
  timeBudget?: TimeSpan | undefined
  /** Called after each batch with the number removed so far. */
  onProgress?: ((removed: number) => void) | undefined
  /** Ends the run after the batch that is under way, as `timeBudget` does. */
  signal?: AbortSignal | undefined
}

export interface CleanupResult {
  /** Entries that were past keeping, or rejected by a tag. */
  removed: number
  /** Live entries that had to go because of `maxEntries` or `maxBytes`; absent in a cache that has neither. */
  evicted?: number
  /** True: the time budget, the signal or the bound on evictions ended the work, and more was waiting. */
  more: boolean
}

export interface CountOptions {
  /**
   * Answers with an estimate, which is `unexpired + forever` of `stats()`. The estimate is exact if there are few entries;
   * `stats()` tells which. Default false.
   */
  estimate?: boolean | undefined
  /** Called after each part with the number of entries counted so far, expired ones included. Not for an estimate. */
  onProgress?: ((counted: number) => void) | undefined
  /** Ends the count after the part that is under way. The call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
}

export interface StatsOptions {
  /**
   * Counts every entry, in parts as `count` does. No statement takes long, but all together take up to a second for each 100,000
   * entries. Default false: an estimate if there are many.
   */
  exact?: boolean | undefined
  /** Called after each part with the number of entries counted so far, expired ones included. Needs `exact`. */
  onProgress?: ((counted: number) => void) | undefined
  /** Ends the count after the part that is under way. The call then rejects with the signal's reason. Needs `exact`. */
  signal?: AbortSignal | undefined
}

export interface CacheStats {
  /** Rows, expired ones that wait for cleanup included. */
  total: number
  /** Rows that read as absent: past their deadline, or rejected by a tag. */
  expired: number
  /** Live entries that will expire. */
  unexpired: number
  /** Live entries that never expire. */
  forever: number
  /** Of keys and values, as stored: compressed. */
  bytes: number
  /** True where a figure is an estimate. */
  estimated: boolean
}

export interface ListOptions {
  /** Only keys that start with it; of this namespace itself, not of those nested in it. */
  prefix?: string | undefined
  /** `expired` includes invalidated entries, `live` includes permanent ones. Default: all. */
  state?: 'live' | 'expired' | 'forever' | 'invalidated' | undefined
  /** 1 to 1,000; default 100. */
  limit?: number | undefined
  /** From the page before. */
  cursor?: string | undefined
}

export type EntryState = 'live' | 'expired' | 'invalidated'

export interface ListedEntry {
  /** The key, without its namespace; what is left of it where it was too long to be stored whole. */
  key: string
  /** The namespaces below this cache that it is in; empty for its own. A version is named with an `@` before it. */
  namespace: string[]
  /**
   * `live`; `expired`: its deadline has passed; `invalidated`: one of its tags was invalidated before that. Entries of the
   * last two read as absent, and `state: 'expired'` lists both.
   */
  state: EntryState
  expiresAt: Date | null
  tags: string[]
  /** Of key and value, as stored: compressed. */
  bytes: number
  createdAt: Date
  updatedAt: Date
}

export interface EntryPage {
  /** In key order. A page with a cursor may have fewer entries than asked for, or none. */
  entries: ListedEntry[]
  /** Absent on the last page, and only there. */
  cursor?: string
}

/**
 * The handle of one key: reads its row once, and remembers it until `reload`, `set` or `delete`.
 *
 * @example
 * const profile = cache.entry<Profile>('profile:42')
 * if (await profile.exists()) return profile.value() // one round trip for both
 */
export interface CacheEntry<T> {
  exists(): Promise<boolean>
  value(): Promise<T | undefined>
  /** Stores a value and returns it as the codec brings it back, like the next `value()`. */
  set(value: T, options?: WriteOptions): Promise<T>
  delete(): Promise<boolean>
  reload(): void
}

/**
 * The port between the engine (`cacheOver`) and the storage that holds the rows.
 *
 * A store knows only stored keys and encoded rows. The engine does the rest: it parses options, scopes keys, encodes
 * and decodes values, emits events, collapses concurrent calls and fails soft.
 */

import type { CacheStats, CleanupResult } from '../cache.ts'
import type { StoredValue } from '../values/codec.ts'
import type { Cost } from '../values/events.ts'
import type { Deadline } from '../values/expiration.ts'
import type { Scope } from '../values/key.ts'
import type { ChangeReader } from './changes.ts'
import type { ClaimAnswer, ClaimRequest, FillRequest, Sliding } from './claims.ts'
import type { CountingInput, ListedRow, ListInput, SweepInput } from './inputs.ts'
import type { LimitInput, Window } from './limits.ts'

/** The answer of a store, and its cost. `toReply` makes one. */
export interface Reply<T> {
  /** The answer. */
  readonly value: T
  /**
   * Round trips of this call, retries included, and the bytes of the values that they moved. Events report each cost
   * once.
   */
  readonly cost: Cost
  /**
   * The store's failure, if it failed softly. `value` is then the answer that `onError: 'miss'` gives instead. Only the
   * engine sets this. Your store throws.
   */
  readonly failure?: unknown
}

/** A page of `list`. */
export interface PageReply extends Reply<readonly ListedRow[]> {
  /**
   * The stored key after which the next page begins, if the store stopped before it had `limit` rows or reached the
   * end. The store has looked at all keys up to this one, even if it found no row.
   */
  readonly next?: string | undefined
}

/** A store without I/O may answer without a promise. The engine then makes no promise either. */
export type MaybePromise<T> = T | Promise<T>

/** A live entry. A store that keeps rows in memory may hand out the same object until the value changes. */
export interface Row extends StoredValue {
  /** Milliseconds until the entry expires; Infinity if it never does. Only reads with `forCopy` need it. */
  readonly remainingMs?: number | undefined
  /**
   * The stored tags; null if there are none, undefined if the store cannot tell. Only reads with `forCopy` need them.
   */
  readonly tags?: readonly string[] | null | undefined
  /**
   * Optional, for stores that hand out the same object again. If a row has this property, the engine keeps a decoded
   * copy in it once the row is read repeatedly. The copy takes one to six times the memory of the text. `null` tells
   * the engine to keep no copy.
   */
  decoded?: unknown
}

/** Options of {@link Store.read} and {@link Store.readMany}. */
export interface ReadOptions {
  /** Moves the deadline of a live entry if the move is due. `slideEntry` is the rule. Default: the deadline stays. */
  readonly sliding?: Sliding | undefined
  /**
   * True if the caller, a tiered cache, keeps a copy of the row, and so needs `remainingMs` and `tags`. Default false.
   */
  readonly forCopy?: boolean | undefined
  /**
   * Receives what other processes changed. Only a store that has `tellsChanges` gets one. Undefined if the caller does
   * not ask for changes.
   */
  readonly changes?: ChangeReader | undefined
}

/** A row to store. If `value` and `number` are both null, the value is null. */
export interface Item extends StoredValue {
  /** The stored key, namespace included: at most 512 bytes in UTF-8, without U+0000. */
  readonly key: string
}

/** The deadline and the tags of the entries that {@link Store.write} and {@link Store.add} store. */
export interface WriteInput {
  /** `resolveDeadline` turns it into an instant. */
  readonly deadline: Deadline
  /** The stored tags, each once; null for none. At most 512 bytes each. */
  readonly tags: readonly string[] | null
  /** From `snapshot()` or `position()`; null means that the value's data counts as read when the store is called. */
  readonly asOf: string | null
}

/** The change that {@link Store.count} makes to a counter. */
export interface CountInput {
  /** A decimal number as `String` writes it: digits with an optional minus sign, fraction and exponent. */
  readonly delta: string
  /** True if a live counter's deadline moves as well. */
  readonly sliding: boolean
  /** For a new counter, and for a live one if `sliding`. */
  readonly deadline: Deadline
}

/**
 * Holds encoded rows by stored key. `docs/guides/custom-stores.md` shows a complete store.
 *
 * - **Live** means: not expired by the store's own clock, and not rejected by an invalidated tag. An entry is expired
 *   exactly at its deadline.
 * - **Each method is atomic.** No other call sees its work half done, or changes a row between its read and its write.
 * - **Keys, tags and options are checked** before the store is called. Lists of keys are never empty, and hold no key
 *   twice.
 * - **A failure is thrown.** Throw `DatabaseError` or `DatabaseTimeoutError` if the storage cannot answer. Only these
 *   count as outages: `onError: 'miss'` absorbs them, and the circuit breaker counts them. Any other error is a bug,
 *   and rejects the call. Report the cost of a failed request too: `new DatabaseError(message, { cost })`.
 * - **Instances of classes work.** The engine binds every method to its object.
 *
 * The suites of `pgstash/testing` check all of this: `cacheContract` through a cache, `storeContract` on the store
 * itself.
 *
 * @example
 * class SqliteStore implements Store { … }
 * const cache = cacheOver(new SqliteStore(file), { expiration: '10m', onError: 'miss' })
 */
export interface Store {
  /**
   * True if the store answers without I/O: its methods return replies, not promises. The engine then makes no promise,
   * sets no timer, and does not collect the gets of one tick into one `readMany`. Default false.
   */
  readonly isLocal?: boolean | undefined
  /**
   * True inside a transaction of the caller. A failure there has ended the transaction, so the engine never fails soft.
   * Default false.
   */
  readonly isInTransaction?: boolean | undefined
  /** True if reads can report what other processes changed, for `tieredCache({ changes: true })`. Default false. */
  readonly tellsChanges?: boolean | undefined
  /**
   * The store that this one keeps copies of. Responses and query results are not copied: they go to that store
   * directly.
   */
  readonly source?: Store | undefined
  /**
   * The same as `snapshot`, but without a request. Leave it out if your store needs a request for it.
   *
   * `set`, `setMany` and `add` of tagged values ask for it before they encode the value, because a tag may be
   * invalidated while they do.
   */
  position?(): string
  /**
   * Optional. Answers a plain read at once if that takes no I/O, as a first tier in memory can. If it returns
   * undefined, the engine asks `read`. So a store may leave out live entries here, but must return only live ones.
   */
  readLocal?(key: string): Row | undefined
  /**
   * Optional, for stores that are made of other stores. Names the store that holds the lease of a key, and the key
   * there. If a computation needs its own key through another cache, the engine then recognises this, and the
   * computation does not wait for itself.
   */
  leaseIdentity?(key: string): readonly [store: object, key: string]

  /** For `get` with `sliding`, and for every `get` of a local store. */
  read(key: string, options?: ReadOptions): MaybePromise<Reply<Row | undefined>>
  /**
   * Answers with the live rows among the keys, by stored key. For `getMany`, and for the plain gets of one tick. Its
   * options never have `sliding`.
   */
  readMany(keys: readonly string[], options?: ReadOptions): MaybePromise<Reply<ReadonlyMap<string, Row>>>
  /** True if a live entry exists. If the store evicts by use, this does not count as a use of the entry. */
  has(key: string): MaybePromise<Reply<boolean>>
  /**
   * Answers when a live entry expires, in milliseconds since 1970: Infinity for never, undefined if no entry is live.
   * For `cache.expiration`.
   */
  deadline(key: string): MaybePromise<Reply<number | undefined>>

  /**
   * Replaces whole entries, and breaks their leases. Keys are sorted by code point, so that two callers cannot
   * deadlock. Answers with the number of entries that the store now holds: fewer than it was given if it has no room.
   * For `set` and `setMany`.
   */
  write(items: readonly Item[], input: WriteInput): MaybePromise<Reply<number>>
  /**
   * Stores an entry and breaks its lease if no entry is live. Answers true if it did, even if the new deadline has
   * passed.
   */
  add(item: Item, input: WriteInput): MaybePromise<Reply<boolean>>
  /**
   * Moves the deadline of a live entry, and nothing else; false if none is live. A move into the past breaks the lease.
   */
  touch(key: string, deadline: Deadline): MaybePromise<Reply<boolean>>
  /**
   * Adds to a number, breaks the lease, and answers with the sum in decimal digits. `countEntry` is the rule,
   * `addDecimals` its arithmetic. For `increment` and `decrement`.
   *
   * @throws NotANumberError, CounterRangeError, and the entry stays as it was
   */
  count(key: string, input: CountInput): MaybePromise<Reply<string>>
  /**
   * Counts a call by a rule, and breaks the lease if it was counted. `limitEntry` shows how. A call changes nothing if
   * it is refused, if its cost is 0, or if it costs more than the limit.
   *
   * @throws NotANumberError, and the entry stays as it was
   */
  limit(key: string, rule: LimitInput): MaybePromise<Reply<Window>>

  /**
   * Removes entries and breaks their leases, even if there is no entry. Answers with the number of live ones. Keys are
   * sorted by code point. For `delete` and `deleteMany`.
   */
  remove(keys: readonly string[]): MaybePromise<Reply<number>>
  /** Removes an entry, breaks its lease, and answers with the row if it was live. For `pull`. */
  take(key: string): MaybePromise<Reply<Row | undefined>>
  /**
   * Removes every entry and breaks every lease whose key begins with `scope.prefix`, which may end in the middle of a
   * key. Answers with the number of entries, expired ones included.
   */
  clear(scope: Scope): MaybePromise<Reply<number>>
  /**
   * Removes the entries of a scope that no caller can get any more, not even as stale. Works in batches. Leases stay as
   * they are. For `clearExpired`.
   */
  sweep(scope: Scope, input: SweepInput): MaybePromise<Reply<CleanupResult>>

  /**
   * Invalidates tags in every scope: from now on, rejects entries with any of these tags if their data was read before
   * this call.
   */
  invalidate(tags: readonly string[]): MaybePromise<Reply<void>>
  /**
   * Answers with the present position, for `asOf`. Callers of the cache may keep it, so it must have the form that
   * `formatSnapshot` gives. A snapshot that another store made counts as older than every invalidation.
   */
  snapshot(): MaybePromise<Reply<string>>

  /**
   * Answers with the exact number of live entries in a scope and the scopes nested in it. If that takes long, count in
   * parts, and report each part to `input`. For `cache.count`.
   */
  size(scope: Scope, input?: CountingInput): MaybePromise<Reply<number>>
  /**
   * Counts the entries of a scope and the scopes nested in it by state. `sumStats` is the rule.
   *
   * @param input if given, the figures must be exact. Otherwise a store may estimate them, and then sets `estimated`.
   */
  stats(scope: Scope, input?: CountingInput): MaybePromise<Reply<CacheStats>>
  /**
   * Lists rows ordered by code point (`byCodePoint`), one more than `limit` if there is a next page. `selectPage` is
   * the rule.
   *
   * If matches are rare, a store may stop early, and answer with fewer rows and `next`.
   */
  list(scope: Scope, input: ListInput): MaybePromise<PageReply>

  /**
   * Answers with the entry. If none is live, claims the lease of the key unless another token holds it. `claimEntry` is
   * the rule. For `getOrSet`.
   */
  readOrClaim(request: ClaimRequest): MaybePromise<Reply<ClaimAnswer>>
  /**
   * Stores a value if the token's lease still stands, and releases the lease. False if the entry was written or removed
   * since the claim, the lease was taken over or broken, or one of the tags was invalidated. An expired lease still
   * stands until another token takes it.
   */
  fill(request: FillRequest): MaybePromise<Reply<boolean>>
  /**
   * Releases the lease without storing, if the token still holds it. For computations that failed or were skipped.
   *
   * @param backoffMs if above 0, keep the lease that `backOff` returns. Until it expires, a caller that can be served
   *   the entry does not claim it. A store that ignores this lets the next caller compute. Default 0.
   */
  release(key: string, token: string, backoffMs?: number): MaybePromise<Reply<void>>
}

/**
 * Wraps an answer and its cost as the reply of a store.
 *
 * @param cost omit it if nothing was sent
 * @example
 * return toReply(row, { roundTrips: 1, bytes: row.value.length })
 */
export function toReply<T>(value: T, cost: Cost = FREE): Reply<T> {
  return { value, cost }
}

const FREE: Cost = Object.freeze({ roundTrips: 0, bytes: 0 })

/**
 * The port between the engine (`cacheOver`) and whatever holds the rows.
 *
 * A store knows stored keys and encoded rows, and nothing else. The engine parses options, scopes keys, encodes and
 * decodes values, emits events, collapses concurrent calls and fails soft; a store does none of that. Each method is
 * atomic. A method that sends requests answers with what they cost, and a failure carries its own cost.
 *
 * @example
 * const cache = cacheOver(myStore, { expiration: '10m' })
 */

import type { CacheStats, CleanupResult } from '../cache.ts'
import type { StoredValue } from '../values/codec.ts'
import type { Cost } from '../values/events.ts'
import type { Deadline } from '../values/expiration.ts'
import type { Scope } from '../values/key.ts'
import type { ChangeReader } from './changes.ts'
import type { ClaimAnswer, ClaimRequest, FillRequest, Sliding } from './claims.ts'
import type { ListedRow, ListInput, SweepInput } from './inputs.ts'

/** The answer of a store, and its cost. */
export interface Reply<T> {
  readonly value: T
  readonly cost: Cost
  /** The store's failure, if it failed softly. `value` is then what `onError: 'miss'` puts in place of the answer. */
  readonly failure?: unknown
}

/** A store without I/O may answer at once; the engine then makes no promise of its own. */
export type MaybePromise<T> = T | Promise<T>

/** A live entry. A store that keeps rows in memory may hand out the same object until the value changes. */
export interface Row extends StoredValue {
  /** Milliseconds until the entry expires; Infinity if it never does. Needed only by reads `forCopy`. */
  readonly remainingMs?: number | undefined
  /** As they are stored; null if there are none, undefined if the store cannot tell. Needed only by reads `forCopy`. */
  readonly tags?: readonly string[] | null | undefined
  /** The engine keeps a decoded copy here if that makes the next read of the same row cheaper. */
  decoded?: unknown
}

export interface ReadOptions {
  /** Moves the deadline of a live entry if the move is due. */
  readonly sliding?: Sliding | undefined
  /** True if the caller keeps a copy of the row, and so needs `remainingMs` and `tags`. */
  readonly forCopy?: boolean | undefined
  /** Receives what other processes changed, if the store tells changes. */
  readonly changes?: ChangeReader | undefined
}

/** A row to store. */
export interface Item extends StoredValue {
  /** As it is stored, namespace included. */
  readonly key: string
}

export interface WriteInput {
  readonly deadline: Deadline
  /** As they are stored; null for none. */
  readonly tags: readonly string[] | null
  /** From `snapshot()`; null means that the value's data counts as read when the store is called. */
  readonly asOf: string | null
}

export interface CountInput {
  /** Decimal digits with an optional minus sign. */
  readonly delta: string
  /** True if a live counter's deadline moves as well. */
  readonly sliding: boolean
  readonly deadline: Deadline
}

/** A window of `limit`, after the call was counted. */
export interface Window {
  /** Calls so far, at most the cap. */
  readonly count: number
  /** When the window ends, in milliseconds since 1970 by the store's clock. */
  readonly resetAt: number
  /** Milliseconds until then. */
  readonly resetMs: number
}

/**
 * Holds encoded rows by stored key.
 *
 * "Live" means: not expired by the store's clock, and not rejected by an invalidated tag. A store must keep the rules of
 * docs/api.md that concern rows; the contract suite of `pgstash/testing` checks them.
 */
export interface Store {
  /** True if every call is answered at once, without I/O. The engine does not gather the gets of one tick for such a store. */
  readonly isLocal: boolean
  /** True inside a transaction of the caller: a failure there has ended the transaction, so the engine never fails soft. */
  readonly isInTransaction?: boolean | undefined
  /** True if reads can report what other processes changed. */
  readonly tellsChanges?: boolean | undefined
  /** The store that this one keeps copies of. Responses and query results are not copied: they go to that store directly. */
  readonly source?: Store | undefined
  /**
   * "As of now" without a request, if the store can tell. The engine asks before it encodes a value, because encoding may
   * take time in which a tag is invalidated.
   */
  position?(): string

  read(key: string, options?: ReadOptions): MaybePromise<Reply<Row | undefined>>
  /** The live rows among distinct keys. `sliding` does not occur here. */
  readMany(keys: readonly string[], options?: ReadOptions): MaybePromise<Reply<ReadonlyMap<string, Row>>>
  /** Whether a live entry exists. Does not count as a use of the entry. */
  has(key: string): MaybePromise<Reply<boolean>>
  /** When a live entry expires, in milliseconds since 1970: Infinity for never, undefined if no entry is live. */
  deadline(key: string): MaybePromise<Reply<number | undefined>>

  /**
   * Replaces whole entries, whatever was there, and breaks their leases. Keys are distinct and sorted by code point. Answers
   * how many entries the store now holds: fewer than it was given if it has no room for some of them.
   */
  write(items: readonly Item[], input: WriteInput): MaybePromise<Reply<number>>
  /** Stores an entry if none is live; true if it did. */
  add(item: Item, input: WriteInput): MaybePromise<Reply<boolean>>
  /** Moves the deadline of a live entry; false if none is live. */
  touch(key: string, deadline: Deadline): MaybePromise<Reply<boolean>>
  /** Adds to a number and answers with the sum in decimal digits. @throws NotANumberError, CounterRangeError */
  count(key: string, input: CountInput): MaybePromise<Reply<string>>
  /** Counts a call in a fixed window. @throws NotANumberError */
  limit(key: string, rule: { readonly periodMs: number; readonly cap: number }): MaybePromise<Reply<Window>>

  /** Removes entries and breaks their leases; answers how many of them were live. Keys are distinct and sorted. */
  remove(keys: readonly string[]): MaybePromise<Reply<number>>
  /** Removes an entry, breaks its lease, and answers with the row if it was live. */
  take(key: string): MaybePromise<Reply<Row | undefined>>
  /** Removes everything in a scope and those nested in it; answers with the number of rows. */
  clear(scope: Scope): MaybePromise<Reply<number>>
  /** Removes entries that nobody can be answered with any more, in bounded batches. */
  sweep(scope: Scope, input: SweepInput): MaybePromise<Reply<CleanupResult>>

  /** Makes entries with any of these tags absent, in every scope. */
  invalidate(tags: readonly string[]): MaybePromise<Reply<void>>
  snapshot(): MaybePromise<Reply<string>>

  /** The number of live entries in a scope and those nested in it. */
  size(scope: Scope): MaybePromise<Reply<number>>
  stats(scope: Scope): MaybePromise<Reply<CacheStats>>
  /** One row more than `limit` if there is a next page, in key order. */
  list(scope: Scope, input: ListInput): MaybePromise<Reply<readonly ListedRow[]>>

  /** Answers with the entry. If none is live, claims the lease of the key unless another token holds it. */
  readOrClaim(request: ClaimRequest): MaybePromise<Reply<ClaimAnswer>>
  /**
   * Stores a value if the token's lease still stands, and gives the lease back. False if the entry was written or removed
   * since the claim, the lease was taken over or broken, or one of the tags was invalidated.
   */
  fill(request: FillRequest): MaybePromise<Reply<boolean>>
  /** Gives the lease back without storing, if the token still holds it. */
  release(key: string, token: string): MaybePromise<Reply<void>>
}

/** The reply of a store that sends nothing. */
export function free<T>(value: T): Reply<T> {
  return { value, cost: FREE }
}

const FREE: Cost = Object.freeze({ roundTrips: 0, bytes: 0 })

/**
 * The rules of one entry as pure functions, for stores that keep entries as objects. The memory store uses them.
 *
 * The functions decide. The store reads and writes, and makes both atomic. Every instant is in milliseconds since 1970
 * by the store's own clock, and `now` is the present instant of that clock.
 */
import type { CacheStats, EntryState } from '../cache.ts'
import type { StoredValue } from '../values/codec.ts'
import { utf8Bytes } from '../values/events.ts'
import type { Deadline } from '../values/expiration.ts'
import { byCodePoint, type Scope } from '../values/key.ts'
import type { ClaimAnswer, ClaimRequest, FillRequest, Sliding } from './claims.ts'
import type { ListedRow, ListInput } from './inputs.ts'
import type { Item, Row, WriteInput } from './store.ts'

/** An entry as a store keeps it. Structured clone and JSON preserve it, except that JSON turns Infinity into null. */
export interface StoredEntry extends StoredValue {
  /** The stored key, namespace included. */
  readonly key: string
  /**
   * The entry is live before this instant. Infinity means that it never expires. 0 means that the deadline had passed
   * when it was set.
   */
  readonly expiresAt: number
  /** A stale value may be served before this instant. Never earlier than `expiresAt`; Infinity means forever. */
  readonly staleUntil: number
  /** The stored tags; null if there are none. */
  readonly tags: readonly string[] | null
  /**
   * A position in the store's log of invalidations. The value's data is no older than this position. The entry is
   * rejected if one of its tags was invalidated at a later position.
   */
  readonly position: number
  /** How many milliseconds the value took to compute; null if it was not computed by `getOrSet`. */
  readonly computeMs: number | null
  /** When the entry was last written, or when its counter began, in milliseconds since 1970. */
  readonly createdAt: number
  /** When the entry was last changed, in milliseconds since 1970. Counting and moving the deadline change it too. */
  readonly updatedAt: number
}

/** The right to compute the value of a key, which one token has at a time. */
export interface Lease {
  /** The token of the claim that holds the lease. */
  readonly token: string
  /** From this instant on, another token may take the lease. */
  readonly expiresAt: number
  /** The position in the log of invalidations at the claim. */
  readonly position: number
  /**
   * True after a refresh failed. Nobody holds the lease, and a caller that can be served the entry does not claim it.
   */
  readonly isBackoff?: boolean | undefined
}

/**
 * Returns the lease after a release with a back-off, or undefined if there is none.
 *
 * @example
 * if (slot.lease?.token === token) slot.lease = backOff(slot.lease, backoffMs, now)
 */
export function backOff(lease: Lease, backoffMs: number | undefined, now: number): Lease | undefined {
  if (backoffMs === undefined || backoffMs <= 0) return undefined
  return { token: 'backoff', expiresAt: now + backoffMs, position: lease.position, isBackoff: true }
}

/**
 * Returns the instant of a deadline: Infinity for never, 0 if it is not in the future.
 *
 * @example
 * resolveDeadline({ kind: 'after', ms: 60_000 }, now) // now + 60_000
 * resolveDeadline({ kind: 'after', ms: 0 }, now) // 0
 */
export function resolveDeadline(deadline: Deadline, now: number): number {
  if (deadline.kind === 'never') return Number.POSITIVE_INFINITY
  const instant = deadline.kind === 'at' ? deadline.epochMs : now + deadline.ms
  return instant <= now ? 0 : instant
}

/**
 * Returns the entry that `write` and `add` store.
 *
 * @param position the position of `input.asOf`, or the present position if `asOf` is null
 * @example
 * slots.set(item.key, { entry: buildEntry(item, input, position, now) }) // no lease: a write breaks it
 */
export function buildEntry(item: Item, input: WriteInput, position: number, now: number): StoredEntry {
  const { key, value, number } = item
  const { tags, deadline } = input
  const expiresAt = resolveDeadline(deadline, now)
  return {
    key,
    value,
    number,
    tags,
    position,
    computeMs: null,
    expiresAt,
    staleUntil: expiresAt,
    createdAt: now,
    updatedAt: now,
  }
}

/**
 * Returns the entry that `fill` stores.
 *
 * @param position the position of `request.asOf`, or the lease's position if `asOf` is null
 * @example
 * slots.set(request.key, { entry: buildFilledEntry(request, lease.position, now) }) // the lease ends
 */
export function buildFilledEntry(request: FillRequest, position: number, now: number): StoredEntry {
  const { key, value, number, tags, computeMs, deadline, maxAgeMs, staleMs } = request
  const expiresAt = Math.min(resolveDeadline(deadline, now), now + (maxAgeMs ?? Number.POSITIVE_INFINITY))
  const staleUntil = expiresAt <= now ? expiresAt : expiresAt + (staleMs ?? Number.POSITIVE_INFINITY)
  return { key, value, number, tags, position, computeMs, expiresAt, staleUntil, createdAt: now, updatedAt: now }
}

/**
 * Returns a live entry after `touch`. If the deadline is not in the future, the entry counts as absent, so break its
 * lease.
 *
 * @example
 * slot.entry = touchEntry(slot.entry, deadline, now)
 * if (slot.entry.expiresAt <= now) slot.lease = undefined
 */
export function touchEntry<E extends StoredEntry>(entry: E, deadline: Deadline, now: number): E {
  return moveDeadline(entry, resolveDeadline(deadline, now), now)
}

/**
 * Returns a live entry after a sliding read: the same object, unless its deadline is due to move.
 *
 * @example
 * const entry = slideEntry(slot.entry, sliding, now)
 * if (entry !== slot.entry) slot.entry = entry // the deadline moved
 */
export function slideEntry<E extends StoredEntry>(entry: E, { ttlMs, lifeMs, maxAgeMs }: Sliding, now: number): E {
  const oldest = entry.createdAt + (maxAgeMs ?? Number.POSITIVE_INFINITY)
  if (entry.expiresAt >= Math.min(now + ttlMs, oldest)) return entry
  return moveDeadline(entry, Math.min(now + lifeMs, oldest), now)
}

/**
 * Moves the deadline, and keeps the length of the stale window. A deadline that has passed ends the stale window, too.
 */
function moveDeadline<E extends StoredEntry>(entry: E, to: number, now: number): E {
  const hasWindow = entry.expiresAt !== Number.POSITIVE_INFINITY && to > now
  const staleUntil = hasWindow ? to + entry.staleUntil - entry.expiresAt : to
  return { ...entry, expiresAt: to, staleUntil, updatedAt: now }
}

/** The entry and the lease of a key, as `readOrClaim` finds them. */
export interface ClaimState {
  /** Live, stale or expired; undefined if there is none, or if an invalidated tag rejects it. */
  readonly entry: StoredEntry | undefined
  /** The last lease, which may have expired. */
  readonly lease: Lease | undefined
  /** The present position in the log of invalidations. */
  readonly position: number
}

/**
 * Returns the answer of `readOrClaim`, and the entry and the lease to store. If these did not change, they are the same
 * objects as in the state.
 *
 * @example
 * const { answer, entry, lease } = claimEntry({ entry: slot.entry, lease: slot.lease, position }, request, now)
 * if (entry !== slot.entry) slot.entry = entry
 * if (lease !== slot.lease) slot.lease = lease
 * return toReply(answer)
 */
export function claimEntry(
  { entry, lease, position }: ClaimState,
  request: ClaimRequest,
  now: number,
): { readonly answer: ClaimAnswer; readonly entry: StoredEntry | undefined; readonly lease: Lease | undefined } {
  const { token, leaseMs, force, early, staleMs, sliding } = request
  const state = entry === undefined ? 'gone' : stateFor(entry, staleMs, now)
  const isDueEarly = entry?.computeMs != null && early > 0 && entry.expiresAt <= now + entry.computeMs * early
  const isRunning = lease !== undefined && lease.token !== token && lease.expiresAt > now
  const isHeld = isRunning && lease.isBackoff !== true
  const isBackingOff = isRunning && !isHeld && state !== 'gone' && !force
  const claimed = (state !== 'live' || isDueEarly || force) && !isHeld && !isBackingOff
  const latest =
    entry !== undefined && state === 'live' && sliding !== undefined ? slideEntry(entry, sliding, now) : entry
  return {
    answer: {
      entry:
        latest === undefined || state === 'gone'
          ? undefined
          : { state, ...toRow(latest, now), servableMs: servableUntil(latest, staleMs) - now },
      claimed,
      heldMs: isHeld ? lease.expiresAt - now : undefined,
    },
    entry: latest,
    lease: claimed ? { token, expiresAt: now + leaseMs, position } : lease,
  }
}

function stateFor(entry: StoredEntry, staleMs: number | null, now: number): 'live' | 'stale' | 'gone' {
  if (entry.expiresAt > now) return 'live'
  return servableUntil(entry, staleMs) > now ? 'stale' : 'gone'
}

function servableUntil({ expiresAt, staleUntil }: StoredEntry, staleMs: number | null): number {
  return Math.min(staleUntil, expiresAt + (staleMs ?? Number.POSITIVE_INFINITY))
}

/**
 * Converts a live entry to the row that reads answer with, complete for callers that keep a copy.
 *
 * @example
 * return toReply(toRow(entry, now))
 */
export function toRow({ value, number, expiresAt, tags }: StoredEntry, now: number): Row {
  return { value, number, remainingMs: expiresAt - now, tags }
}

/**
 * Converts an entry to the row that `list` answers with.
 *
 * @example
 * const rows = entries.map((entry) => toListedRow(entry, isRejected(entry), now))
 */
export function toListedRow(entry: StoredEntry, isRejected: boolean, now: number): ListedRow {
  const { key, value, number, expiresAt, tags, createdAt, updatedAt } = entry
  return {
    key,
    state: listedState(entry, isRejected, now),
    expiresAt: expiresAt === Number.POSITIVE_INFINITY ? null : new Date(Math.floor(expiresAt)),
    tags: [...(tags ?? [])],
    bytes: storedBytes({ key, value, number }),
    createdAt: new Date(Math.floor(createdAt)),
    updatedAt: new Date(Math.floor(updatedAt)),
  }
}

/** Returns the state that `list` reports. An entry that is both expired and invalidated is listed as expired. */
export function listedState({ expiresAt }: StoredEntry, isRejected: boolean, now: number): EntryState {
  return expiresAt <= now ? 'expired' : isRejected ? 'invalidated' : 'live'
}

/** Counts the bytes of key and value in UTF-8, as listings report them. */
export function storedBytes({ key, value, number }: Item): number {
  return utf8Bytes(key) + utf8Bytes(value ?? '') + (number ?? '').length
}

/** Matches a key of the scope itself: it contains no unescaped separator. */
const DIRECT = /^(?:\\.|[^|\\])*$/s

/** The fields of a listed row that decide whether a page contains it. */
type Listed = Pick<ListedRow, 'key' | 'state' | 'expiresAt'>

/**
 * Returns the answer of `list`.
 *
 * @param rows at least all rows of the scope, in any order
 * @example
 * return toReply(selectPage(rows, scope, input))
 */
export function selectPage<R extends Listed>(rows: Iterable<R>, scope: Scope, input: ListInput): R[] {
  const { range, isDirect, state, limit, after } = input
  const isWanted = (row: R) =>
    row.key.startsWith(range.from) &&
    byCodePoint(row.key, after) > 0 &&
    !(isDirect && !DIRECT.test(row.key.slice(scope.prefix.length))) &&
    hasState(row, state)
  return [...rows]
    .filter(isWanted)
    .sort((a, b) => byCodePoint(a.key, b.key))
    .slice(0, limit + 1)
}

/** An invalidated entry counts as expired. */
function hasState({ state, expiresAt }: Listed, wanted: ListInput['state']): boolean {
  if (wanted === 'all' || wanted === state) return true
  return wanted === 'expired' ? state !== 'live' : wanted === 'forever' && state === 'live' && expiresAt === null
}

/**
 * Returns the answer of `stats` for all rows of the scope. `size` answers with `total - expired`.
 *
 * @example
 * return toReply(sumStats(rows))
 */
export function sumStats(rows: Iterable<Pick<ListedRow, 'state' | 'expiresAt' | 'bytes'>>): CacheStats {
  const stats = { total: 0, expired: 0, unexpired: 0, forever: 0, bytes: 0, estimated: false }
  for (const { state, expiresAt, bytes } of rows) {
    stats.total++
    stats.bytes += bytes
    stats[state !== 'live' ? 'expired' : expiresAt === null ? 'forever' : 'unexpired']++
  }
  return stats
}

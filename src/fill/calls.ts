/**
 * The calls of `getOrSet` that are under way in this process, by stored key.
 *
 * One call of a key is the leader: it asks the store. A leader is *collecting* until it sends its request. Calls that
 * start meanwhile follow it and share its result. Then the leader may become *pending*: it computes, or waits for
 * another process. Calls that start meanwhile wait for its end. Then they ask the store themselves, because the
 * leader's value may be older than a write that they know of.
 *
 * Followers await the leader's own promises, never a promise that the leader resolves for them. workerd allows the
 * first, but kills a request for the second. None of these promises rejects.
 */
import type { Fill } from '../cache.ts'
import type { ClaimAnswer } from '../store/claims.ts'
import type { Store } from '../store/store.ts'
import { now } from '../values/clock.ts'
import type { Codec, StoredValue } from '../values/codec.ts'
import { type CacheEvent, type Cost, type Emit, noCost } from '../values/events.ts'
import type { Deadline } from '../values/expiration.ts'
import { ignoreRejection } from '../values/promises.ts'
import type { Computation } from './nesting.ts'
import { type FillOptions, isSameRequest } from './options.ts'

/** A request counts as lost after this share of the timeout: if its client disconnects, workerd cancels it. */
const PATIENCE = 0.5

/** The three requests of a fill, and the local read that needs no request. */
export type FillRequests = Pick<Store, 'readLocal' | 'leaseIdentity' | 'readOrClaim' | 'fill' | 'release'>

/** The settings of a cache that apply to each of its fills. */
export interface FillSettings {
  /** Turns values into text and back. Default: JSON. */
  readonly codec: Codec
  /** The largest encoded value, in UTF-8 bytes. Default 32 MiB. */
  readonly maxValueBytes: number
  /** The deadline for calls that name no expiration. Default: never. */
  readonly expiration: Deadline
  /** How late a sliding deadline may be, as a share of its span. Default 0.25. */
  readonly slack: number
  /** The longest time for one request to the store, in milliseconds. Default 5,000. */
  readonly timeoutMs: number
  /** Keeps background work alive after the response. Default: none, and callers wait for their own refreshes. */
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
  /** Returns a number from 0 up to, but not including, 1, for jitter and early refreshes. Default: from `crypto`. */
  readonly random: () => number
  /** Receives the events of the fills. Default: no listener. */
  readonly emit: Emit | undefined
}

/** One call of `getOrSet` or `refresh`. */
export interface Call {
  /** The caller's key. */
  readonly name: string
  /** The key as it is stored. */
  readonly key: string
  readonly compute: (fill: Fill) => unknown
  readonly options: FillOptions
  /** True to compute although an entry is live. A refresh shares no result, and no call waits for it. */
  readonly isRefresh: boolean
  readonly store: FillRequests
  readonly settings: FillSettings
  /** The `waitUntil` of the call. If it has none, the `waitUntil` of the cache. */
  readonly waitUntil: FillSettings['waitUntil']
  /** The call's own computation, which may never run. Its parent is the computation from which the call was made. */
  readonly computation: Computation
  /**
   * When the call stops waiting for other calls of this process. It is set just before waiting: a hit needs no clock.
   */
  waitsUntil: number
  /** True after the call waited for a leader that was lost or outlasted its lease. */
  hasLostLeader: boolean
  /** How many leaders that the call waited for failed to compute. */
  leaderFailures: number
}

/** The result of one `readOrClaim`. */
export type ClaimResult =
  | { readonly kind: 'answered'; readonly answer: ClaimAnswer }
  /** `isSoft` is true if the call computes without the store, because of `onError: 'miss'`. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly isSoft: boolean }

export type Outcome =
  /** A value for all followers. Each decodes its own from `stored`. `value` is the leader's decoded value. */
  | { readonly kind: 'value'; readonly stored: StoredValue; readonly value: unknown; readonly isComputed: boolean }
  /** No value for all followers: the computation returned `undefined`, which is not stored. */
  | { readonly kind: 'absent' }
  /** A computed value for the leader only. */
  | { readonly kind: 'unshared'; readonly value: unknown }
  /** A failure of the store concerns all followers. A failure of a computation concerns only its own caller. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly by: 'store' | 'computation' }

/** A call that asks the store. */
export interface Leader {
  readonly call: Call
  readonly calls: Calls
  /** Names the lease that the leader claims. */
  readonly token: string
  readonly startedAt: number
  /** The cost of the leader's requests that no event has reported yet. */
  unreportedCost: Cost
  /** When others stop waiting for the leader. The leader moves it forward while it is alive. */
  awaitedUntil: number
  readonly firstResult: Promise<ClaimResult>
  readonly outcome: Promise<Outcome>
  /** A second leader for followers that lost patience with this one. The first impatient follower starts it. */
  hedge?: Leader
}

/** The answer to a caller. */
export interface Answer {
  readonly value: unknown
  /** True if this call's own computation made the value. */
  readonly isOwn: boolean
}

export function createCalls() {
  const collecting = new Map<string, Leader>()
  const pending = new Map<string, Leader>()
  const removeFrom = (leaders: Map<string, Leader>, leader: Leader) => {
    if (leaders.get(leader.call.key) === leader) leaders.delete(leader.call.key)
  }
  /**
   * Removes leaders whose requests were cancelled: they never end, and a key may not come up again. The oldest come
   * first.
   */
  const removeCancelled = () => {
    for (const [key, leader] of pending) {
      if (remainingWaitMs(leader) > 0) return
      pending.delete(key)
    }
  }

  return {
    /** Returns the leader whose result the call can share. */
    findCollecting({ key, options }: Call): Leader | undefined {
      const leader = collecting.get(key)
      return leader !== undefined && isSameRequest(leader.call.options, options) ? leader : undefined
    },
    /** Returns the leader whose end the call can wait for. */
    findPending({ key, options }: Call): Leader | undefined {
      const leader = pending.get(key)
      if (leader === undefined) return undefined
      // This call accepts a stale value, which the store may have. So it does not wait for a leader that accepts none.
      if (options.staleMs !== 0 && leader.call.options.staleMs === 0) return undefined
      if (remainingWaitMs(leader) > 0) return leader
      // The leader hangs, or its request was cancelled. Its lease has expired as well.
      pending.delete(key)
      return undefined
    },
    startCollecting(leader: Leader): void {
      collecting.set(leader.call.key, leader)
    },
    stopCollecting: (leader: Leader) => removeFrom(collecting, leader),
    /** Lets others wait for the leader. A leader that computes replaces a leader that waits for another process. */
    setPending(leader: Leader, awaitedUntil: number, isComputing = false): void {
      leader.awaitedUntil = awaitedUntil
      removeCancelled()
      if (isComputing || !pending.has(leader.call.key)) pending.set(leader.call.key, leader)
    },
    /** Stops calls from sharing or awaiting the leader. */
    remove(leader: Leader): void {
      removeFrom(collecting, leader)
      removeFrom(pending, leader)
    },
    /**
     * Call this after a write of the keys. The pending values will not be stored, so later calls must not wait for
     * them.
     */
    detach(keys: readonly string[] | 'all'): void {
      if (keys === 'all') pending.clear()
      else for (const key of keys) pending.delete(key)
    },
  }
}

export type Calls = ReturnType<typeof createCalls>

/** Returns the calls in which a refresh is not listed, because other calls neither share it nor wait for it. */
export function withoutListing(calls: Calls): Calls {
  return { ...calls, startCollecting() {}, setPending() {} }
}

/** Returns how many milliseconds others still wait for the leader. */
export function remainingWaitMs(leader: Leader): number {
  return leader.awaitedUntil - now()
}

/** Returns after how many milliseconds an unanswered request of another call counts as lost. */
export function patienceMs({ settings }: Call): number {
  return settings.timeoutMs * PATIENCE
}

/** Turns an outcome into the answer for the leader. @throws the failure of the outcome */
export function toAnswer(outcome: Outcome): Answer {
  if (outcome.kind === 'failed') throw outcome.error
  if (outcome.kind === 'absent') return { value: undefined, isOwn: true }
  return { value: outcome.value, isOwn: outcome.kind === 'unshared' || outcome.isComputed }
}

/** Passes work to `waitUntil`. Returns false if nothing keeps the work alive. The work must not reject. */
export function keepAlive({ waitUntil }: Call, work: Promise<unknown>): boolean {
  try {
    ignoreRejection(waitUntil?.(work))
    return waitUntil !== undefined
  } catch {
    // `waitUntil` throws if its request has ended.
    return false
  }
}

// `Omit` of a union keeps only the fields that all members share, so it is applied to each member.
type Details<Event> = Event extends CacheEvent ? Omit<Event, 'key' | 'operation' | keyof Cost> : never

export function emit({ settings, name, key }: Call, event: Details<CacheEvent>, cost: Cost = noCost()): void {
  settings.emit?.({ ...event, operation: 'getOrSet', ...cost }, name, key)
}

export function emitError(call: Call, error: unknown, startedAt: number, cost?: Cost): void {
  emit(call, { type: 'error', error, durationMs: now() - startedAt }, cost)
}

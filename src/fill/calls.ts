/**
 * The calls of `getOrSet` that this process is working on, by stored key.
 *
 * One call of a key is the leader: it asks the store. A leader is *collecting* until its request is sent. Calls that come
 * meanwhile follow it and share its result. Then it may become *pending*: it computes, or waits for another process. Calls
 * that come meanwhile only wait for its end and then ask the store, because its value may be older than a write that they
 * know of.
 *
 * Followers await the leader's own promises, never a promise that the leader resolves for them: workerd allows the first,
 * and kills a request for the second. None of these promises rejects.
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

/** Share of the timeout after which a request counts as lost: its caller may have left, and workerd then cancels it. */
const PATIENCE = 0.5

/** The three requests of a fill, and the read that needs none. */
export type FillRequests = Pick<Store, 'readLocal' | 'leaseIdentity' | 'readOrClaim' | 'fill' | 'release'>

/** The settings of a cache that apply to all its fills. */
export interface FillSettings {
  readonly codec: Codec
  readonly maxValueBytes: number
  /** For calls that name no expiration. */
  readonly expiration: Deadline
  /** The share of a sliding span by which a deadline may be late. */
  readonly slack: number
  /** Milliseconds that one request to the store may take. */
  readonly timeoutMs: number
  /** Keeps background work alive after the response. Without it, callers wait for their own refreshes. */
  readonly waitUntil: ((work: Promise<unknown>) => void) | undefined
  /** Returns a number from 0 up to, but not including, 1, for jitter and early refreshes. */
  readonly random: () => number
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
  /** True to compute although an entry is live. Such a call neither shares a result nor is waited for. */
  readonly isRefresh: boolean
  readonly store: FillRequests
  readonly settings: FillSettings
  /** The `waitUntil` of the call, or else of the cache. */
  readonly waitUntil: FillSettings['waitUntil']
  /** The call's own computation, which may never run. Its parent is the computation that made the call. */
  readonly computation: Computation
  /** When the call stops waiting for other calls of this process. Set before it waits, because a hit needs no clock. */
  waitsUntil: number
  /** True once a leader that the call waited for was lost or outlasted its lease. */
  hasLostLeader: boolean
  /** Failed computations of leaders that the call waited for. */
  leaderFailures: number
}

/** The result of one `readOrClaim`. */
export type ClaimResult =
  | { readonly kind: 'answered'; readonly answer: ClaimAnswer }
  /** `isSoft` if the call computes without the store, as `onError: 'miss'` asks for. */
  | { readonly kind: 'failed'; readonly error: unknown; readonly isSoft: boolean }

export type Outcome =
  /** A value for everybody. Each follower decodes its own from `stored`; `value` is the leader's, already decoded. */
  | { readonly kind: 'value'; readonly stored: StoredValue; readonly value: unknown; readonly isComputed: boolean }
  /** Nothing for everybody: the computation returned `undefined`, which is not stored. */
  | { readonly kind: 'absent' }
  /** A computed value for the leader only. */
  | { readonly kind: 'unshared'; readonly value: unknown }
  /** A failure of the store concerns all followers, a failure of a computation only the caller that passed it. */
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
  /** Until when others wait for it. It moves on as long as the leader shows that it lives. */
  awaitedUntil: number
  readonly firstResult: Promise<ClaimResult>
  readonly outcome: Promise<Outcome>
  /** A second leader for followers that lost patience with this one. The first of them starts it. */
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
  /** A cancelled request never ends, and nobody may ever ask for its key again. The oldest leaders come first. */
  const removeCancelled = () => {
    for (const [key, leader] of pending) {
      if (remainingWaitMs(leader) > 0) return
      pending.delete(key)
    }
  }

  return {
    /** The leader whose result the call can share. */
    findCollecting({ key, options }: Call): Leader | undefined {
      const leader = collecting.get(key)
      return leader !== undefined && isSameRequest(leader.call.options, options) ? leader : undefined
    },
    /** The leader whose end the call can wait for. */
    findPending({ key, options }: Call): Leader | undefined {
      const leader = pending.get(key)
      if (leader === undefined) return undefined
      // A stale value may be there for this call, so it does not wait for a leader that takes none.
      if (options.staleMs !== 0 && leader.call.options.staleMs === 0) return undefined
      if (remainingWaitMs(leader) > 0) return leader
      // The leader hangs, or its request was cancelled. Its lease has run out as well.
      pending.delete(key)
      return undefined
    },
    startCollecting(leader: Leader): void {
      collecting.set(leader.call.key, leader)
    },
    stopCollecting: (leader: Leader) => removeFrom(collecting, leader),
    /** Lets others wait for the leader until then. A leader that computes replaces one that waits for another process. */
    setPending(leader: Leader, awaitedUntil: number, isComputing = false): void {
      leader.awaitedUntil = awaitedUntil
      removeCancelled()
      if (isComputing || !pending.has(leader.call.key)) pending.set(leader.call.key, leader)
    },
    /** No call shares or awaits the leader from now on. */
    remove(leader: Leader): void {
      removeFrom(collecting, leader)
      removeFrom(pending, leader)
    },
    /** After a write of the keys: the pending values will not be stored, so later calls do not wait for them. */
    detach(keys: readonly string[] | 'all'): void {
      if (keys === 'all') pending.clear()
      else for (const key of keys) pending.delete(key)
    },
  }
}

export type Calls = ReturnType<typeof createCalls>

/** For refreshes, which other calls neither share nor wait for. */
export function unlisted(calls: Calls): Calls {
  return { ...calls, startCollecting() {}, setPending() {} }
}

/** Milliseconds for which others still wait for the leader. */
export function remainingWaitMs(leader: Leader): number {
  return leader.awaitedUntil - now()
}

/** Milliseconds after which an unanswered request of another call counts as lost. */
export function patienceMs({ settings }: Call): number {
  return settings.timeoutMs * PATIENCE
}

/** @throws the failure */
export function toAnswer(outcome: Outcome): Answer {
  if (outcome.kind === 'failed') throw outcome.error
  if (outcome.kind === 'absent') return { value: undefined, isOwn: true }
  return { value: outcome.value, isOwn: outcome.kind === 'unshared' || outcome.isComputed }
}

/** Hands work to `waitUntil`; false if nothing keeps it alive. The work must not reject. */
export function keepAlive({ waitUntil }: Call, work: Promise<unknown>): boolean {
  try {
    ignoreRejection(waitUntil?.(work))
    return waitUntil !== undefined
  } catch {
    // The request of this `waitUntil` may have ended.
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

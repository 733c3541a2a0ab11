/** The three steps of a fill (claim, fill, release): the engine's requests and the store's answers. */

import { wallClock } from '../values/clock.ts'
import type { StoredValue } from '../values/codec.ts'
import type { Deadline } from '../values/expiration.ts'
import type { ChangeReader } from './changes.ts'
import type { Row } from './store.ts'

/** The claim of `readOrClaim`: the key, and which entries the caller accepts without the lease. */
export interface ClaimRequest {
  /** The stored key, namespace included. */
  readonly key: string
  /**
   * A UUID, unique to this computation. A repeated claim with the same token keeps the lease. The token's last digits
   * may encode `leaseMs`.
   */
  readonly token: string
  /** Milliseconds from now for which the lease keeps other callers from computing. */
  readonly leaseMs: number
  /**
   * Milliseconds after its deadline for which the caller still accepts a value; 0 means not at all, null means forever.
   */
  readonly staleMs: number | null
  /**
   * A live entry is refreshed early if at most `early` times the duration of its computation remains; 0 means never.
   */
  readonly early: number
  /** True to claim the lease even if an entry is live. */
  readonly force: boolean
  /**
   * True if the caller, a tiered cache, keeps a copy of the entry, and so needs `remainingMs` and `tags`. Default
   * false.
   */
  readonly forCopy?: boolean | undefined
  /**
   * Receives what other processes changed. Only a store that has `tellsChanges` gets one. Undefined if the caller does
   * not ask for changes.
   */
  readonly changes?: ChangeReader | undefined
  /** Moves the deadline of a live entry if the move is due, as `get` with `sliding` does. */
  readonly sliding: Sliding | undefined
}

/**
 * Decides when a read moves a deadline, and to which instant. A read never moves a permanent entry's deadline, and
 * never moves one to an earlier instant.
 */
export interface Sliding {
  /** The deadline moves if less than this time remains. */
  readonly ttlMs: number
  /** The new deadline, counted from now. */
  readonly lifeMs: number
  /** The latest possible deadline, counted from the entry's last write; null sets no bound. */
  readonly maxAgeMs: number | null
}

/** The entry that `readOrClaim` answers with. */
export interface FoundEntry extends Row {
  /** `stale` if the deadline has passed, and the entry is within the stale window. Otherwise `live`. */
  readonly state: 'live' | 'stale'
  /**
   * Milliseconds for which this caller may still get the value, by `staleMs` and by the entry; undefined means forever.
   */
  readonly servableMs?: number | undefined
}

/** The answer of `readOrClaim`: the entry, and who holds the lease. */
export interface ClaimAnswer {
  /** The entry that may be served: live, or stale within `staleMs`. An invalidated tag must not reject it. */
  readonly entry: FoundEntry | undefined
  /**
   * True if the lease now belongs to the token. `unavailable` if the store grants no leases; then nothing is stored.
   */
  readonly claimed: boolean | 'unavailable'
  /**
   * Milliseconds for which another token holds the lease. Undefined if no other token holds it, or if the lease changed
   * during the call. A caller that then got neither an entry nor the lease asks again at once.
   */
  readonly heldMs: number | undefined
}

/** The computed value that `fill` stores, under the lease that `readOrClaim` granted. */
export interface FillRequest extends StoredValue {
  /** The stored key, namespace included. */
  readonly key: string
  /** The token of the claim. */
  readonly token: string
  /** When the entry expires. `resolveDeadline` turns it into an instant. */
  readonly deadline: Deadline
  /** The deadline is at most this many milliseconds from now; null sets no bound. */
  readonly maxAgeMs: number | null
  /** Milliseconds after its deadline for which the value may be served as stale; null means forever. */
  readonly staleMs: number | null
  /** The stored tags; null for none. */
  readonly tags: readonly string[] | null
  /** From `snapshot()`; null means that the value's data was read no earlier than the claim. */
  readonly asOf: string | null
  /** How many milliseconds the value took to compute, for early refreshes. */
  readonly computeMs: number
}

/** Returns the milliseconds until the deadline of an entry that is written now. */
export function remainingMs(deadline: Deadline, maxAgeMs: number | null = null): number {
  const ms =
    deadline.kind === 'never'
      ? Number.POSITIVE_INFINITY
      : deadline.kind === 'after'
        ? deadline.ms
        : deadline.epochMs - wallClock()
  return Math.min(ms, maxAgeMs ?? Number.POSITIVE_INFINITY)
}

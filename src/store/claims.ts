/** The three steps of a fill: the engine's requests and the store's answers. */

import { wallClock } from '../values/clock.ts'
import type { StoredValue } from '../values/codec.ts'
import type { Deadline } from '../values/expiration.ts'
import type { ChangeReader } from './changes.ts'
import type { Row } from './store.ts'

export interface ClaimRequest {
  /** As it is stored, namespace included. */
  readonly key: string
  /** Unique to this computation. A repeated claim with the same token keeps the lease. */
  readonly token: string
  /** How long the lease keeps others from computing, from now. */
  readonly leaseMs: number
  /** How long after its deadline the caller still accepts a value; 0 means not at all, null any time. */
  readonly staleMs: number | null
  /** A live entry is refreshed early if at most `early` times the duration of its computation remains; 0 means never. */
  readonly early: number
  /** True to claim the lease although an entry is live. */
  readonly force: boolean
  /** True if the caller keeps a copy of the entry, and so needs `remainingMs` and `tags`. */
  readonly forCopy?: boolean | undefined
  /** Receives what other processes changed, if the store tells changes. */
  readonly changes?: ChangeReader | undefined
  /** Moves the deadline of a live entry if the move is due, as `get` with `sliding` does. */
  readonly sliding: Sliding | undefined
}

export interface Sliding {
  /** The deadline moves when less than this remains, … */
  readonly ttlMs: number
  /** … to this from now, … */
  readonly lifeMs: number
  /** … but never beyond this age of the entry; null is any. */
  readonly maxAgeMs: number | null
}

export interface FoundEntry extends Row {
  readonly state: 'live' | 'stale'
  /** Milliseconds for which callers may still get the value; undefined means any time. */
  readonly servableMs?: number | undefined
}

export interface ClaimAnswer {
  /** The entry that may be served: live, or stale within `staleMs`. Never one that an invalidated tag rejects. */
  readonly entry: FoundEntry | undefined
  /** True if the lease now belongs to the token. `unavailable` if the store grants no leases; then nothing is stored. */
  readonly claimed: boolean | 'unavailable'
  /** Milliseconds for which another token holds the lease; undefined if the lease changed during the call. */
  readonly heldMs: number | undefined
}

export interface FillRequest extends StoredValue {
  readonly key: string
  readonly token: string
  readonly deadline: Deadline
  /** The deadline is at most this far from now; null sets no bound. */
  readonly maxAgeMs: number | null
  /** How long after its deadline the value may be served as stale; null means forever. */
  readonly staleMs: number | null
  readonly tags: readonly string[] | null
  /** From `snapshot()`; null: the value's data was read no earlier than the claim. */
  readonly asOf: string | null
  /** How long it took to compute, for early refreshes. */
  readonly computeMs: number
}

/** Milliseconds that remain of a life that begins now. */
export function remainingMs(deadline: Deadline, maxAgeMs: number | null = null): number {
  const ms =
    deadline.kind === 'never'
      ? Number.POSITIVE_INFINITY
      : deadline.kind === 'after'
        ? deadline.ms
        : deadline.epochMs - wallClock()
  return Math.min(ms, maxAgeMs ?? Number.POSITIVE_INFINITY)
}

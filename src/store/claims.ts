/** The three steps of a fill: the engine's requests and the store's answers. */
import type { StoredValue } from '../values/codec.ts'
import type { Deadline } from '../values/expiration.ts'
import type { About } from './copies.ts'
import type { NewsReader } from './news.ts'

export interface ClaimRequest {
  /** As it is stored, namespace included. */
  readonly key: string
  /** Unique to this computation. A repeated claim with the same token keeps the lease. */
  readonly token: string
  /** How long the lease keeps others from computing, from now. */
  readonly leaseMs: number
  /** How long past its deadline the caller takes a value; 0 not at all, null for any time. */
  readonly staleMs: number | null
  /** A live entry is due early when no more than `early` times its computation's duration remains; 0 is never. */
  readonly early: number
  /** Claims although a live entry is there. */
  readonly force: boolean
  /** True if the caller keeps a copy: the answer then has `about`. Without it no copy is kept. */
  readonly about?: boolean | undefined
  /** Receives the changes since it last asked, if the store knows them. */
  readonly news?: NewsReader | undefined
  /** Pushes a live entry's deadline out, as `get` with `sliding` does. */
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

export interface FoundEntry extends StoredValue {
  readonly state: 'live' | 'stale'
  readonly about?: About | undefined
  /** For how long callers may still get the value, in milliseconds; undefined for any time. */
  readonly servableMs?: number | undefined
}

export interface ClaimAnswer {
  /** The entry that may be served: live, or expired within `staleMs` and still kept. Never one that a tag rejects. */
  readonly entry: FoundEntry | undefined
  /** Whether the lease is now this token's; `unavailable` where there are none to be had, and nothing is stored. */
  readonly claimed: boolean | 'unavailable'
  /** For how long another holds the lease; undefined where it is unknown, because things changed meanwhile. */
  readonly heldMs: number | undefined
}

export interface FillRequest extends StoredValue {
  readonly key: string
  readonly token: string
  readonly deadline: Deadline
  /** Bounds the deadline; null does not. */
  readonly maxAgeMs: number | null
  /** How long after the deadline the value is kept, to be served as stale; null is forever. */
  readonly staleMs: number | null
  readonly tags: readonly string[] | null
  /** From `snapshot()`; null: the value's data was read no earlier than the claim. */
  readonly asOf: string | null
  /** How long it took to compute, for early refreshes. */
  readonly computeMs: number
}

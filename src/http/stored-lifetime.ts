/** Computes how long a response is stored: while it is fresh, and then while it may be served stale or validated. */
import type { Deadline } from '../values/expiration.ts'
import { freshness, servingSpans } from './freshness.ts'
import type { TimedResponse } from './message.ts'
import type { Policy } from './policy.ts'
import { hasValidator } from './validators.ts'

export interface StoredLifetimeOptions {
  /** If set, hits extend the deadline of a response without an explicit lifetime. */
  readonly sliding?: { readonly lifeMs: number; readonly maxAgeMs: number | null } | undefined
  /** How long a response with a validator is kept after its deadline, even if it must not be served stale. */
  readonly validatableMs: number
}

export interface StoredLifetime {
  /** When the response stops being fresh. */
  readonly deadline: Deadline
  /** The total lifetime, however often hits extend the deadline; null for no limit. */
  readonly maxAgeMs: number | null
  /** How long the response is kept after its deadline. */
  readonly retentionMs: number
  /** Whether hits extend the deadline. */
  readonly isSliding: boolean
}

/** Returns how long a response is fresh, how long it is kept after that, and whether hits extend its deadline. */
export function lifetimeOf(
  response: TimedResponse,
  policy: Policy,
  { sliding, validatableMs }: StoredLifetimeOptions,
): StoredLifetime {
  const { freshMs, staleMs } = servingSpans(response, policy)
  const retentionMs = Math.max(staleMs - freshMs, hasValidator(response) ? validatableMs : 0)
  if (sliding !== undefined && freshness(response, policy).source === 'default') {
    return { deadline: { kind: 'after', ms: sliding.lifeMs }, maxAgeMs: sliding.maxAgeMs, retentionMs, isSliding: true }
  }
  const deadline: Deadline = { kind: 'at', epochMs: response.responseAt + freshMs }
  return { deadline, maxAgeMs: null, retentionMs, isSliding: false }
}

/** Decides once, from one answer of the store, how to handle a request. Also parses the stored response, once. */
import {
  currentAgeMs,
  type ForwardReason,
  forwardReason,
  heldRange,
  isShareable,
  mustNotForward,
  type Policy,
  type Reuse,
  reuse,
  type StoredPart,
  type TimedResponse,
} from '../http/index.ts'
import type { ResponseAnswer, ResponseMeta } from '../postgres/responses/store.ts'
import { type Exchange, storeNow } from './exchange.ts'

const MS_PER_SECOND = 1_000

export type StoredEntry = NonNullable<ResponseAnswer['entry']>

export interface StoredResponse {
  readonly key: string
  readonly entry: StoredEntry
  readonly timed: TimedResponse
  /** The policy for this response. The lifetime of a sliding response is that of its row. */
  readonly policy: Policy
  /**
   * Whether all fields of the `vary` option selected the response. If it was stored before the option named a field, it
   * may belong to another value of that field.
   */
  readonly isSelected: boolean
  /** Set if bytes of the body are missing. */
  readonly part: StoredPart | undefined
}

interface Judged {
  readonly answer: ResponseAnswer
  readonly stored: StoredResponse | undefined
  /** Why the request goes to the handler, if it does. */
  readonly fwd: ForwardReason
}

export type Verdict =
  | (Judged & {
      readonly kind: 'serve'
      readonly stored: StoredResponse
      readonly use: Reuse['use']
      readonly ttlMs: number
    })
  /** Serve the stale response, and refresh it in the background. */
  | (Judged & { readonly kind: 'refresh'; readonly stored: StoredResponse; readonly ttlMs: number })
  /** Run the handler, validate the stored response if there is one, and store the result. */
  | (Judged & { readonly kind: 'fetch' })
  /** Run the handler and store nothing. */
  | (Judged & { readonly kind: 'forward' })
  /** The client forbids running the handler, and no stored response answers the request. */
  | (Judged & { readonly kind: 'gateway timeout' })

export type NextRead =
  /** Read again and claim the lease, although a response is live. */
  | (Judged & { readonly kind: 'claim' })
  /** Read again after a pause, because another request holds the lease. */
  | (Judged & { readonly kind: 'wait' })

export interface Abilities {
  /** Whether a response to this request may be stored. Only then may the request hold the lease. */
  readonly canFill: boolean
  /** Whether another request's response could answer this request, so that waiting for it makes sense. */
  readonly canWait: boolean
  /** Returns whether a refresh can run in the background. */
  readonly canRefresh: () => boolean
  /** Whether the last read claimed the lease even if a response is live. */
  readonly isForced: boolean
}

export function judge(x: Exchange, answer: ResponseAnswer, abilities: Abilities): Verdict | NextRead {
  const { canFill, canWait, canRefresh, isForced } = abilities
  const stored = parseStored(x, answer)
  // A part can answer only requests for bytes that it contains.
  const reused = stored && !lacksBytes(x, stored) ? reuseOf(x, stored) : undefined
  const judged = {
    answer,
    stored,
    fwd: forwardReason({ found: stored && (stored.part ? 'part' : 'whole'), names: answer.names }, reused),
  }
  if (stored === undefined || reused === undefined) {
    if (mustNotForward(x.head, x.settings.policy)) return { ...judged, kind: 'gateway timeout' }
  } else {
    const { use, ttlMs } = reused
    if (use === 'gateway-timeout') return { ...judged, kind: 'gateway timeout' }
    if (use === 'fresh' || use === 'stale') return { ...judged, kind: 'serve', stored, use, ttlMs }
    if (use === 'stale-while-revalidate') {
      // If nothing can run in the background, the request that won the refresh runs the handler and waits for it.
      if (!answer.claimed) return { ...judged, kind: 'serve', stored, use, ttlMs }
      if (canRefresh()) return { ...judged, kind: 'refresh', stored, ttlMs }
    }
  }
  if (answer.claimed) return { ...judged, kind: 'fetch' }
  if (answer.refusal !== undefined) return { ...judged, kind: 'forward' }
  // The store claimed no lease because it found a live response, but this request may not use that response.
  if (answer.entry?.state === 'live' && !isForced && canFill) return { ...judged, kind: 'claim' }
  if (answer.hitForMissSnapshot !== undefined) return { ...judged, kind: 'fetch' }
  if (!canFill || !canWait) return { ...judged, kind: 'forward' }
  // The responses of this URL cannot be shared, so waiting for the leader would not help.
  if (stored !== undefined && stored.part === undefined && !isShareable(stored.timed, x.settings.policy))
    return { ...judged, kind: 'fetch' }
  return { ...judged, kind: 'wait' }
}

function lacksBytes(x: Exchange, { part }: StoredResponse): boolean {
  return part !== undefined && heldRange(x.head, part) === undefined
}

function reuseOf(x: Exchange, { timed, policy, isSelected }: StoredResponse): Reuse {
  const reused = reuse(x.head, timed, storeNow(x), policy)
  if (isSelected) return reused
  return { ...reused, use: mustNotForward(x.head, x.settings.policy) ? 'gateway-timeout' : 'validate', fwd: 'stale' }
}

export function parseStored(x: Exchange, { key, entry, names }: ResponseAnswer): StoredResponse | undefined {
  if (entry === undefined) return undefined
  const timed = timedOf(entry.meta)
  return {
    key,
    entry,
    timed,
    policy: policyFor(x, entry, timed),
    isSelected: x.settings.policy.vary.every((name) => names?.includes(name)),
    part: partOf(entry.meta, timed),
  }
}

/** Returns the stored response with a new entry: with updated metadata, or with a body that was read later. */
export function withEntry(stored: StoredResponse, entry: StoredEntry): StoredResponse {
  const timed = timedOf(entry.meta)
  return { ...stored, entry, timed, part: partOf(entry.meta, timed) }
}

function partOf({ parts }: ResponseMeta, response: TimedResponse): StoredPart | undefined {
  return parts && { response, parts }
}

function timedOf({ status, headers, requestAt, responseAt, staleSince }: ResponseMeta): TimedResponse {
  return {
    status,
    headers: new Headers(headers.map(([name, value]) => [name, value])),
    requestAt,
    responseAt,
    staleSince,
  }
}

function policyFor(x: Exchange, { meta, expiresAt }: StoredEntry, timed: TimedResponse): Policy {
  const { policy } = x.settings
  if (!meta.sliding || expiresAt === undefined) return policy
  // Hits have extended the row's deadline since the response was stored, so derive its lifetime from the row.
  const now = storeNow(x)
  return { ...policy, defaultLifetime: Math.max(0, expiresAt - now + currentAgeMs(timed, now)) / MS_PER_SECOND }
}

/** The stored response that a request selected, parsed once. */
import { currentAgeMs, type Policy, type TimedResponse } from '../http/index.ts'
import type { ResponseAnswer, ResponseMeta } from '../postgres/responses/store.ts'
import { type Exchange, storeNow } from './exchange.ts'

const MS_PER_SECOND = 1_000

export type StoredEntry = NonNullable<ResponseAnswer['entry']>

export interface StoredResponse {
  readonly entry: StoredEntry
  readonly timed: TimedResponse
  /** The policy for this response. A sliding response lives as long as its row. */
  readonly policy: Policy
  /**
   * Whether the response was selected by all fields of the `vary` option. If it was stored before the option named a field, it
   * may belong to another value of that field.
   */
  readonly isSelected: boolean
}

export function parseStored(x: Exchange, { entry, names }: ResponseAnswer): StoredResponse | undefined {
  if (entry === undefined) return undefined
  const timed = timedOf(entry.meta)
  return {
    entry,
    timed,
    policy: policyFor(x, entry, timed),
    isSelected: x.settings.policy.vary.every((name) => names?.includes(name)),
  }
}

/** Returns the stored response with other metadata, or with a body that was read later. */
export function withEntry(stored: StoredResponse, entry: StoredEntry): StoredResponse {
  return { ...stored, entry, timed: timedOf(entry.meta) }
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
  // Hits have moved the row's deadline since the response was stored, so derive its lifetime from the row.
  const now = storeNow(x)
  return { ...policy, defaultLifetime: Math.max(0, expiresAt - now + currentAgeMs(timed, now)) / MS_PER_SECOND }
}

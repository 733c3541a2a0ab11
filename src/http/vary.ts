/** The request fields that a response depends on (RFC 9110 12.5.5). */
import { fieldNames } from './fields.ts'
import type { Policy } from './policy.ts'

/** A Vary with more fields than this counts as `*`, because no later request would match it. */
export const MAX_VARY_FIELDS = 16

/** Field names in lower case, sorted, without duplicates; `*` for a response that never matches another request. */
export type VaryNames = readonly string[] | '*'

/**
 * Returns the fields that the response's Vary names, plus the policy's `vary` fields. An invalid name counts as `*`.
 */
export function varyNames(headers: Headers, policy: Policy): VaryNames {
  const names = fieldNames(headers.get('vary'))
  return names === undefined || names.includes('*') ? '*' : joinVary(policy.vary, names)
}

/** The field names to remember for a URL, because its responses vary on them. */
export interface VaryRecord {
  readonly names: readonly string[]
  /** Whether `names` leaves out the names of earlier responses. */
  readonly forgets: boolean
}

/**
 * Returns the fields that the URL's responses vary on, including this response. Above `MAX_VARY_FIELDS`, the result has
 * only the fields of this response. It is undefined if this response alone exceeds the limit, or varies on everything.
 *
 * @param seen the names that are remembered for the URL; undefined if nothing is known about it
 */
export function varyRecordOf(
  seen: readonly string[] | undefined,
  headers: Headers,
  policy: Policy,
): VaryRecord | undefined {
  const own = varyNames(headers, policy)
  // An encoded response depends on Accept-Encoding, even if its Vary does not say so.
  const negotiated = headers.has('content-encoding') ? ['accept-encoding'] : []
  const all = joinVary([...(seen ?? []), ...negotiated], own)
  if (all !== '*') return { names: all, forgets: false }
  const names = joinVary(negotiated, own)
  return names === '*' ? undefined : { names, forgets: true }
}

/**
 * Returns the known field names plus those of a further response. A key may be finer than needed, but never coarser.
 */
export function joinVary(seen: readonly string[], names: VaryNames): VaryNames {
  if (names === '*') return '*'
  const union = [...new Set([...seen, ...names])].sort()
  return union.length > MAX_VARY_FIELDS ? '*' : union
}

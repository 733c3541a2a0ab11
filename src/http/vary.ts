/** The request fields that a response depends on (RFC 9110 12.5.5). */
import { fieldNames } from './fields.ts'
import type { Policy } from './policy.ts'

/** A Vary with more fields than this counts as `*`, because no later request would match it. */
export const MAX_VARY_FIELDS = 16

/** Field names in lower case, sorted, each once; `*` for a response that never matches another request. */
export type VaryNames = readonly string[] | '*'

/** Returns the fields that the response's Vary names, and those that the policy always adds. An invalid name counts as `*`. */
export function varyNames(headers: Headers, policy: Policy): VaryNames {
  const names = fieldNames(headers.get('vary'))
  return names === undefined || names.includes('*') ? '*' : joinVary(policy.vary, names)
}

/** The field names that a URL remembers, because its responses vary on them. */
export interface VaryRecord {
  readonly names: readonly string[]
  /** Whether the names of earlier responses are dropped. */
  readonly forgets: boolean
}

/**
 * Returns the fields that the URL's responses vary on, this response included. If they are too many together, only those of
 * this response remain. If its own are too many, or it varies on everything, the result is undefined.
 *
 * @param seen the names that the URL remembers; undefined if nothing is known about it
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

/** Returns the union of the known fields and those of another response. A key may be finer than needed, but never coarser. */
export function joinVary(seen: readonly string[], names: VaryNames): VaryNames {
  if (names === '*') return '*'
  const union = [...new Set([...seen, ...names])].sort()
  return union.length > MAX_VARY_FIELDS ? '*' : union
}

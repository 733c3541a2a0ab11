/** The request fields that a response depends on (RFC 9110 12.5.5). */
import { fieldNames } from './fields.ts'
import type { Policy } from './policy.ts'

/** What nominates more than this many fields is never met again: it counts as `*`. */
export const MAX_VARY_FIELDS = 16

/** Field names in lower case, sorted and each once; `*` for what never matches another request. */
export type VaryNames = readonly string[] | '*'

/** The fields that a response nominates, and those that the policy always adds. A member that is no name reads as `*`. */
export function varyNames(headers: Headers, policy: Policy): VaryNames {
  const names = fieldNames(headers.get('vary'))
  return names === undefined || names.includes('*') ? '*' : joinVary(policy.vary, names)
}

/** What a URL is known to vary on, after another response: the union, for a key may be finer than needed, never coarser. */
export function joinVary(seen: readonly string[], names: VaryNames): VaryNames {
  if (names === '*') return '*'
  const union = [...new Set([...seen, ...names])].sort()
  return union.length > MAX_VARY_FIELDS ? '*' : union
}

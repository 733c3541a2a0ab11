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

/** Returns the union of the known fields and those of another response. A key may be finer than needed, but never coarser. */
export function joinVary(seen: readonly string[], names: VaryNames): VaryNames {
  if (names === '*') return '*'
  const union = [...new Set([...seen, ...names])].sort()
  return union.length > MAX_VARY_FIELDS ? '*' : union
}

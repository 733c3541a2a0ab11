/** Converts deadlines for a third party's cache. */
import type { Deadline, Expiration } from '../../values/expiration.ts'

/**
 * The deadline of writes without an expiration: the default of a third party's cache, which only that cache knows.
 *
 * Code recognises this object by identity. Code that does not recognise it sees a past deadline, so that a first tier
 * keeps no copy.
 */
export const CACHE_DEFAULT: Deadline = Object.freeze({ kind: 'after', ms: 0 })

/** Returns undefined for the cache's default. */
export function expirationOf(deadline: Deadline): Expiration | undefined {
  if (deadline === CACHE_DEFAULT) return undefined
  if (deadline.kind === 'never') return null
  return deadline.kind === 'at' ? new Date(deadline.epochMs) : { milliseconds: deadline.ms }
}

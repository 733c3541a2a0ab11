/** Deadlines as a third party's cache takes them. */
import type { Deadline, Expiration } from '../../values/expiration.ts'

/**
 * The deadline of writes that name none: the cache's own default, which nobody else knows.
 *
 * It is told apart by identity. Everywhere else it counts as past, so a first tier keeps no copy.
 */
export const CACHE_DEFAULT: Deadline = Object.freeze({ kind: 'after', ms: 0 })

/** Undefined for the cache's own default. */
export function expirationOf(deadline: Deadline): Expiration | undefined {
  if (deadline === CACHE_DEFAULT) return undefined
  if (deadline.kind === 'never') return null
  return deadline.kind === 'at' ? new Date(deadline.epochMs) : { milliseconds: deadline.ms }
}

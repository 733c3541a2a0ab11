/** Makes the result of `limit`. */
import type { LimitResult } from '../cache.ts'
import type { Window } from '../store/limits.ts'
import { InvalidOptionError } from '../values/errors.ts'
import type { ParsedLimit } from './limit-input.ts'

/**
 * Makes the result of a call that the store counted.
 *
 * @throws InvalidOptionError if the store supports only fixed windows, and the rule needs more
 */
export function limitResult(window: Window, { input, limit }: ParsedLimit): LimitResult {
  const { count, resetAt, resetMs } = window
  if (window.isAllowed === undefined && (input.algorithm !== 'fixed-window' || input.cost !== 1)) {
    throw new InvalidOptionError('Expected a rule { limit, period }, because the store knows only fixed windows.')
  }
  const { isAllowed = count <= limit, remaining = Math.max(0, limit - count) } = window
  const { retryMs = isAllowed ? 0 : limit === 0 ? Number.POSITIVE_INFINITY : resetMs } = window
  return { allowed: isAllowed, count, remaining, resetAt: new Date(Math.floor(resetAt)), resetMs, retryMs }
}

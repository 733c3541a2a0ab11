/** Checks and parses the rule of `limit`, before any request. */
import type { LimitAlgorithm, LimitRule } from '../cache.ts'
import { type CompleteLimit, LIMIT_ALGORITHMS } from '../store/limits.ts'
import { now } from '../values/clock.ts'
import { describeType, InvalidOptionError } from '../values/errors.ts'
import { boundedSpan, parsePeriod } from '../values/expiration.ts'
import { boolean, optionsObject, wholeNumber } from '../values/options.ts'

/** One less than the largest safe integer, so that a count can be one more than its limit. */
export const MAX_LIMIT = Number.MAX_SAFE_INTEGER - 1

const KNOWN_OPTIONS = [
  'limit',
  'period',
  'algorithm',
  'refill',
  'cost',
  'blockList',
] as const satisfies readonly (keyof LimitRule)[]

/** A rule with its defaults. */
export interface ParsedLimit {
  readonly input: CompleteLimit
  readonly limit: number
  readonly isBlockListed: boolean
}

/** @throws InvalidOptionError, InvalidExpirationError */
export function parseLimit(rule: LimitRule): ParsedLimit {
  if (rule === undefined) throw new InvalidOptionError('Expected a rule { limit, period }, got undefined.')
  const {
    limit: given,
    period,
    algorithm,
    refill,
    cost = 1,
    blockList = false,
  } = optionsObject<LimitRule>(rule, KNOWN_OPTIONS)
  const limit = wholeNumber('limit', given, 0, MAX_LIMIT)
  const shape = parseLimitShape({ algorithm, refill, period }, limit)
  wholeNumber('cost', cost, -MAX_LIMIT, MAX_LIMIT)
  return { input: { ...shape, cap: limit + 1, cost }, limit, isBlockListed: boolean('blockList', blockList) }
}

/**
 * Parses the part of a rule that does not depend on the call.
 *
 * @param limit undefined if it is not known yet
 * @throws InvalidOptionError, InvalidExpirationError
 */
export function parseLimitShape(
  { algorithm = 'fixed-window', refill, period }: Pick<LimitRule, 'algorithm' | 'refill'> & { period?: unknown },
  limit: number | undefined,
): Pick<CompleteLimit, 'algorithm' | 'refill' | 'periodMs'> {
  if (!LIMIT_ALGORITHMS.includes(algorithm)) {
    const names = LIMIT_ALGORITHMS.map((name) => `'${name}'`).join(', ')
    throw new InvalidOptionError(`Expected algorithm to be one of ${names}, got ${describeType(algorithm)}.`)
  }
  const periodMs = parsePeriod(period, 'period', now())
  const tokens = parseRefill(refill, algorithm, limit)
  const lastsMs = longestMs(algorithm, periodMs, tokens, limit)
  if (algorithm !== 'fixed-window' && lastsMs !== boundedSpan(lastsMs, now())) {
    throw new InvalidOptionError(
      'Expected a limit that is over before the year 9999: use a shorter period or a larger refill.',
    )
  }
  return { algorithm, periodMs, refill: tokens }
}

function parseRefill(refill: unknown, algorithm: LimitAlgorithm, limit = MAX_LIMIT): number {
  if (algorithm === 'token-bucket') return wholeNumber('refill', refill, 1, Math.max(1, limit))
  if (refill === undefined) return Math.max(1, limit)
  throw new InvalidOptionError(`Expected refill only with algorithm: 'token-bucket', got it with '${algorithm}'.`)
}

/** Returns the longest life of the counter of a sliding window or a bucket. */
function longestMs(algorithm: LimitAlgorithm, periodMs: number, refill: number, limit = 0): number {
  return algorithm === 'sliding-window' ? 2 * periodMs : Math.ceil(limit / refill) * periodMs
}

/** Parses spans of time in options: a duration, or a plain number in the option's unit. */
import { describeType, InvalidExpirationError, InvalidOptionError } from './errors.ts'
import { type Expiration, parseExpiration } from './expiration.ts'
import { wholeNumber } from './options.ts'

/**
 * A span of time: `'5s'`, `{ seconds: 5 }`, or a plain number in the option's unit.
 *
 * @example
 * createCache(db, { timeout: '2s' }) // the same as { seconds: 2 } and 2_000
 */
export type TimeSpan = Exclude<Expiration, Date | null>

/** The longest time for a timer, about 25 days. A longer one overflows and fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1

const UNITS = { milliseconds: 1, seconds: 1_000 } as const

export interface SpanRule {
  /** The unit of a plain number. */
  readonly numbers: keyof typeof UNITS
  /** The smallest span, in the unit of plain numbers. Default 0. */
  readonly min?: number
  /** The largest span, in the unit of plain numbers. Default: no limit. */
  readonly max?: number
}

/**
 * Parses the span of an option.
 *
 * @returns whole milliseconds
 * @throws InvalidOptionError
 */
export function milliseconds(name: string, value: unknown, { numbers, min = 0, max }: SpanRule): number {
  const unitMs = UNITS[numbers]
  if (typeof value === 'number') return wholeNumber(name, value, min, max, numbers) * unitMs
  const ms = spanOf(value)
  if (ms !== undefined && ms >= min * unitMs && ms <= (max ?? Number.MAX_SAFE_INTEGER) * unitMs) return ms
  const range = max === undefined ? `of at least ${min}` : `of ${min} to ${max}`
  const received = ms === undefined ? describeType(value) : 'a span out of range'
  throw new InvalidOptionError(
    `Expected ${name} to be a span ${range} ${numbers}, such as ${5_000 / unitMs}, '5s' or { seconds: 5 }, got ${received}.`,
  )
}

function spanOf(value: unknown): number | undefined {
  try {
    // The clock does not matter here, because the option has its own range.
    const span = parseExpiration(value, 0)
    return span.kind === 'after' ? span.ms : undefined
  } catch (error) {
    if (error instanceof InvalidExpirationError) return undefined
    throw error
  }
}

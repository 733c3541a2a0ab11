/** Spans of time in options: as a duration, or as a plain number in the unit that the option names. */
import { describeType, InvalidExpirationError, InvalidOptionError } from './errors.ts'
import { type Expiration, parseExpiration } from './expiration.ts'
import { wholeNumber } from './options.ts'

/**
 * A span of time: `'5s'`, `{ seconds: 5 }`, or a plain number in the unit that the option names.
 *
 * @example
 * createCache(db, { timeout: '2s' }) // the same as { seconds: 2 } and 2_000
 */
export type TimeSpan = Exclude<Expiration, Date | null>

/** How long a timer can run: a longer one overflows and fires at once. About 25 days. */
export const MAX_TIMER_MS = 2 ** 31 - 1

const UNITS = { milliseconds: 1, seconds: 1_000 } as const

export interface SpanRule {
  /** The unit of a plain number. */
  readonly numbers: keyof typeof UNITS
  /** In the unit of plain numbers; default 0. */
  readonly min?: number
  /** In the unit of plain numbers; default: no bound. */
  readonly max?: number
}

/**
 * Reads a span that an option takes.
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
  const came = ms === undefined ? describeType(value) : 'a span out of range'
  throw new InvalidOptionError(
    `Expected ${name} to be a span ${range} ${numbers}, such as ${5_000 / unitMs}, '5s' or { seconds: 5 }, got ${came}.`,
  )
}

function spanOf(value: unknown): number | undefined {
  try {
    // No clock: the range of an option is its own.
    const span = parseExpiration(value, 0)
    return span.kind === 'after' ? span.ms : undefined
  } catch (error) {
    if (error instanceof InvalidExpirationError) return undefined
    throw error
  }
}

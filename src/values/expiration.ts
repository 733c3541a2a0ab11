/**
 * Parses expirations: from the forms that callers pass to the form that statements take.
 *
 * A relative expiration stays relative until the database adds it to the time at which its statement began. So a client
 * whose clock is an hour off still gets the right lifetime.
 */
import { describeType, InvalidExpirationError } from './errors.ts'
import { suggestion } from './suggest.ts'

/**
 * A span of time: the sum of its fields, rounded to milliseconds. Every field is optional, but at least one must be
 * given.
 */
export interface Duration {
  /** Days of 24 hours. */
  days?: number
  /** Hours. */
  hours?: number
  /** Minutes. */
  minutes?: number
  /** Seconds. */
  seconds?: number
  /** Milliseconds. */
  milliseconds?: number
}

/**
 * When an entry expires: seconds from now, an instant, a span, a string such as `'90s'` or `'1.5h'`, or `null` for
 * never.
 *
 * After a write with zero, a negative span or a past instant, the key reads as absent.
 */
export type Expiration = number | Date | Duration | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | null

/**
 * An expiration in the form that statements take: never, some milliseconds after the statement began, or at an instant.
 */
export type Deadline =
  | { readonly kind: 'never' }
  | { readonly kind: 'after'; readonly ms: number }
  | { readonly kind: 'at'; readonly epochMs: number }

export const NEVER: Deadline = { kind: 'never' }

const MS_PER_UNIT = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const MS_PER_FIELD = {
  days: MS_PER_UNIT.d,
  hours: MS_PER_UNIT.h,
  minutes: MS_PER_UNIT.m,
  seconds: MS_PER_UNIT.s,
  milliseconds: MS_PER_UNIT.ms,
} as const

/**
 * The last instant of the year 9999. ISO 8601 and the date parsers of the drivers have no common form for later dates.
 */
const LATEST_EPOCH_MS = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

const SPAN = /^([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(ms|s|m|h|d)$/
const EXPECTED =
  "a number of seconds, a Date, a Duration such as { minutes: 5 }, a string such as '5m' (ms, s, m, h, d), or null"

/**
 * Parses an expiration.
 *
 * @param now milliseconds since the epoch, used only to refuse expirations beyond year 9999
 * @param name the name for messages
 * @throws InvalidExpirationError
 */
export function parseExpiration(input: unknown, now: number, name = 'expiration'): Deadline {
  if (input === null) return NEVER
  if (isDate(input)) return instant(input, name)
  const ms = spanMs(input, name)
  if (ms > LATEST_EPOCH_MS - now) throw beyondCalendar(name)
  return { kind: 'after', ms }
}

/**
 * Parses a span that must be positive and relative, such as `sliding` or `period`.
 *
 * @returns whole milliseconds, at least 1
 * @throws InvalidExpirationError
 */
export function parsePeriod(input: unknown, name: string, now: number): number {
  const deadline = parseExpiration(input, now, name)
  if (deadline.kind === 'after' && deadline.ms > 0) return deadline.ms
  const received =
    deadline.kind === 'after' ? 'zero or a negative span' : deadline.kind === 'at' ? 'a Date' : describeType(input)
  throw new InvalidExpirationError(`Expected ${name} to be a positive span of time, got ${received}.`)
}

/** Rounds a computed span to whole milliseconds. Its end stays within the year 9999, even if a clock is a day off. */
export function boundedSpan(ms: number, now: number): number {
  return Math.min(Math.round(ms), LATEST_EPOCH_MS - now - MS_PER_UNIT.d)
}

function instant(date: Date, name: string): Deadline {
  const epochMs = date.getTime()
  if (Number.isNaN(epochMs)) throw unexpected(name, 'an invalid Date')
  if (epochMs > LATEST_EPOCH_MS) throw beyondCalendar(name)
  // All past instants mean the same. Clamp them, because Postgres's calendar begins later than JavaScript's.
  return { kind: 'at', epochMs: Math.max(0, epochMs) }
}

function spanMs(input: unknown, name: string): number {
  if (typeof input === 'number') return wholeMs(input, MS_PER_UNIT.s, name)
  if (typeof input === 'string') {
    const [, amount, unit] = SPAN.exec(input) ?? []
    if (amount === undefined || !isUnit(unit)) {
      throw unexpected(name, 'a string in another format')
    }
    return wholeMs(Number(amount), MS_PER_UNIT[unit], name)
  }
  if (typeof input === 'object' && input !== null && !Array.isArray(input)) return durationMs(input, name)
  throw unexpected(name, describeType(input))
}

function durationMs(duration: object, name: string): number {
  let total: number | undefined
  for (const [field, amount] of Object.entries(duration)) {
    if (!isField(field)) {
      const meant = suggestion(field, Object.keys(MS_PER_FIELD))
      throw unexpected(name, meant === undefined ? 'an object with another field' : `another field: ${meant}`)
    }
    if (amount === undefined) continue
    if (typeof amount !== 'number') {
      throw new InvalidExpirationError(`Expected the ${field} of ${name} to be a number, got ${describeType(amount)}.`)
    }
    total = (total ?? 0) + amount * MS_PER_FIELD[field]
  }
  if (total === undefined) throw unexpected(name, "an object without any of a Duration's fields")
  return wholeMs(total, 1, name)
}

/** Rounds to the millisecond, but never a positive span to 0, because "very soon" must not become "delete". */
function wholeMs(amount: number, unitMs: number, name: string): number {
  const exact = amount * unitMs
  if (!Number.isFinite(exact)) throw unexpected(name, describeType(exact))
  return exact > 0 ? Math.max(1, Math.round(exact)) : Math.round(exact) + 0 // never -0
}

function unexpected(name: string, received: string): InvalidExpirationError {
  return new InvalidExpirationError(`Expected ${name} to be ${EXPECTED}, got ${received}.`)
}

function beyondCalendar(name: string): InvalidExpirationError {
  return new InvalidExpirationError(`Expected ${name} to end before year 10000.`)
}

// Checks the tag and not instanceof, because a Date may come from another realm, such as an edge runtime's sandbox.
function isDate(input: unknown): input is Date {
  return Object.prototype.toString.call(input) === '[object Date]'
}

function isUnit(unit: string | undefined): unit is keyof typeof MS_PER_UNIT {
  return unit !== undefined && Object.hasOwn(MS_PER_UNIT, unit)
}

function isField(field: string): field is keyof typeof MS_PER_FIELD {
  return Object.hasOwn(MS_PER_FIELD, field)
}

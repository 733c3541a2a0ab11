/** Parses command-line arguments into the types that the cache takes. */
import { InvalidArgumentError } from 'commander'
import { now } from '../values/clock.ts'
import { type Expiration, parseExpiration } from '../values/expiration.ts'
import { parseInstant } from './calendar.ts'
import { decimalText, isDecimal } from './json-text.ts'
import { UserError } from './user-error.ts'

/** Parses `10m`, `90` (seconds), `never`, or an instant such as 2030-01-01T00:00:00Z. @throws UserError */
export function expiration(text: string): Expiration {
  if (text === 'never') return null
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (/^[+-]?\d{4,}-\d/.test(text) && parseInstant(text) === undefined) {
    throw new UserError('Expected a deadline that exists in the calendar, such as 2030-02-28 or 2030-02-28T12:00:00Z.')
  }
  const chosen = parseInstant(text) ?? (text as Expiration)
  try {
    parseExpiration(chosen, now())
  } catch {
    throw new UserError(`Expected a deadline: ${EXPIRATION_HELP}.`)
  }
  return chosen
}

export const EXPIRATION = '<when>'
/** A deadline may also have a time: 2030-01-01T00:00:00Z. */
export const EXPIRATION_HELP = '10m, 90 (seconds), never, 2030-01-01'
/** The one meaning of `--expiration`. */
export const EXPIRATION_OPTION_HELP = `set this deadline: ${EXPIRATION_HELP}`

/** Parses a delta without rounding it. @throws InvalidArgumentError */
export function decimal(text: string): string {
  // People write .5, but JSON does not allow it.
  const whole = text.trim().replace(/^([+-]?)\./, (_, sign: string) => `${sign}0.`)
  if (!isDecimal(whole)) throw new InvalidArgumentError('Expected a number in decimal digits.')
  try {
    return decimalText(whole, 'the delta')
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

export function number(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value)) throw new InvalidArgumentError('Expected a number.')
  return value
}

const UNIT_SECONDS = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 }

/** Parses `90`, `90s`, `1.5m` or `2h` into seconds. */
export function seconds(text: string): number {
  const [, count, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? []
  if (count === undefined) throw new InvalidArgumentError('Expected seconds such as 90, or a span such as 90s or 5m.')
  return Number(count) * UNIT_SECONDS[unit as keyof typeof UNIT_SECONDS]
}

/** Node's timers treat a longer pause as no pause. */
const LONGEST_PAUSE_S = 2_147_483

export function pauseSeconds(text: string): number {
  const value = seconds(text)
  if (value > 0 && value <= LONGEST_PAUSE_S) return value
  throw new InvalidArgumentError(`Expected more than 0 and at most ${LONGEST_PAUSE_S} seconds.`)
}

export function wholeNumber(text: string): number {
  const value = number(text)
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('Expected a whole number of at least 1.')
  return value
}

/** Collects an option that may be given several times. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text]
}

/** Collects tags. Commas separate the tags of one option. */
export function collectTags(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',').map((tag) => tag.trim())]
}

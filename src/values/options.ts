/** Checks options once, before any request. A message names the option, the accepted values, and the given type. */
import { describeType, InvalidOptionError } from './errors.ts'
import { suggestion } from './suggest.ts'

/** @param unit the unit of the number, for the message @throws InvalidOptionError */
export function wholeNumber(
  name: string,
  value: unknown,
  min: number,
  max = Number.MAX_SAFE_INTEGER,
  unit?: string,
): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  const units = unit === undefined ? '' : ` ${unit}`
  throw new InvalidOptionError(
    `Expected ${name} to be a whole number ${range}${units}, got ${describeType(value)}${outside(value)}.`,
  )
}

/** @throws InvalidOptionError */
export function boolean(name: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new InvalidOptionError(`Expected ${name} to be a boolean, got ${describeType(value)}.`)
}

/** @throws InvalidOptionError */
export function optionalFunction(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'function') return
  throw new InvalidOptionError(`Expected ${name} to be a function, got ${describeType(value)}.`)
}

/** Checks the shape and not the class, because a signal may come from another realm. @throws InvalidOptionError */
export function optionalSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined
  const { aborted, addEventListener } = Object(signal)
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return signal as AbortSignal
  throw new InvalidOptionError(`Expected signal to be an AbortSignal, got ${describeType(signal)}.`)
}

/**
 * Checks the options object of a call. `undefined` means no options.
 *
 * @param known the names of all options. Other names are refused: an entry with a misspelt `expiration` would never
 *   expire.
 * @throws InvalidOptionError
 */
export function optionsObject<T extends object>(
  options: T | undefined,
  known: readonly (keyof T & string)[],
): Partial<T> {
  if (options === undefined) return {}
  if (!isObject(options)) {
    const example = isSpan(options) && known.includes('expiration' as keyof T & string)
    const such = example ? ' such as { expiration: 60 }' : ''
    throw new InvalidOptionError(`Expected the options to be an object${such}, got ${describeType(options)}.`)
  }
  for (const name of Object.keys(options)) if (!(known as readonly string[]).includes(name)) throw unknown(name, known)
  return options
}

/**
 * The form of an option's name. Other names are not repeated in the message: they may be data that was passed by
 * mistake.
 */
const OPTION_NAME = /^(?=.{1,32}$)[a-z]+(?:[-_][a-z]+)*\d?$/i

function unknown(name: string, known: readonly string[]): InvalidOptionError {
  if (!OPTION_NAME.test(name)) return new InvalidOptionError(`Unknown option. The options are ${known.join(', ')}.`)
  const meant = suggestion(name, known)
  return new InvalidOptionError(
    meant === undefined
      ? `Unknown option ${name}. The options are ${known.join(', ')}.`
      : `Unknown option ${name}; ${meant}`,
  )
}

// Some other libraries, such as Redis clients, take a TTL in this position.
function isSpan(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'string'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function outside(value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return ''
  return Number.isInteger(value) ? ' out of range' : ' with a fraction'
}

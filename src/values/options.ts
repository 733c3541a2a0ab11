/** Checks of options: once, before any request, saying what was expected and what came. */
import { describeType, InvalidOptionError } from './errors.ts'

/** @throws InvalidOptionError */
export function wholeNumber(name: string, value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`
  throw new InvalidOptionError(
    `Expected ${name} to be a whole number ${range}, got ${describeType(value)}${outside(value)}.`,
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

/** By shape and not instanceof: a signal may come from another realm. @throws InvalidOptionError */
export function optionalSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined
  const { aborted, addEventListener } = Object(signal)
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return signal as AbortSignal
  throw new InvalidOptionError(`Expected signal to be an AbortSignal, got ${describeType(signal)}.`)
}

/**
 * The options object of a call; `undefined` is none.
 *
 * @param known where given, other fields are refused: a misspelt `expiration` would store forever
 * @throws InvalidOptionError
 */
export function optionsObject<T extends object>(
  options: T | undefined,
  known?: readonly (keyof T & string)[],
): Partial<T> {
  if (options === undefined) return {}
  if (known && isObject(options) && Object.keys(options).some((name) => !(known as readonly string[]).includes(name))) {
    throw new InvalidOptionError(`Expected no other options than ${known.join(', ')}.`)
  }
  if (isObject(options)) return options
  throw new InvalidOptionError(`Expected the options to be an object, got ${describeType(options)}.`)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function outside(value: unknown): string {
  if (typeof value !== 'number' || !Number.isFinite(value)) return ''
  return Number.isInteger(value) ? ' out of range' : ' with a fraction'
}

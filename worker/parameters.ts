/** Checks parameters of requests. Returns the value, or throws an error that says what was expected. */
import { BadRequestError } from './errors.ts'

/** A message repeats this much of a parameter, enough to recognise it. */
const SHOWN_LENGTH = 40
const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)$/

export interface Place {
  lat: number
  lng: number
}

/**
 * A point, rounded to a hundredth of a degree, about a kilometre. So nearby requests share an answer, and nobody can fill the
 * cache with more digits.
 */
export function placeParameter(query: (name: string) => string | undefined): Place {
  const lat = hundredths(decimal('lat', query('lat'), -90, 90))
  const lng = hundredths(decimal('lng', query('lng'), -180, 180))
  // The meridian has two names, 180 and -180. Use one.
  return { lat, lng: lng === 180 ? -180 : lng }
}

/** A whole number. Returns the default if the parameter is missing. */
export function wholeParameter(
  name: string,
  given: string | undefined,
  min: number,
  max: number,
  other: number,
): number {
  if (given === undefined) return other
  const value = decimal(name, given, min, max)
  if (Number.isInteger(value)) return value
  throw new BadRequestError(`Expected ${name} to be a whole number from ${min} to ${max}, got ${shown(given)}.`)
}

/** A country code in capitals. */
export function countryParameter(given: string): string {
  if (/^[a-z]{2}$/i.test(given)) return given.toUpperCase()
  throw new BadRequestError(`Expected the country to be a code of two letters such as FR, got ${shown(given)}.`)
}

function decimal(name: string, given: string | undefined, min: number, max: number): number {
  const value = given !== undefined && DECIMAL.test(given) ? Number(given) : Number.NaN
  if (value >= min && value <= max) return value
  const came = given === undefined ? 'nothing' : shown(given)
  throw new BadRequestError(`Expected ${name} to be a number from ${min} to ${max}, got ${came}.`)
}

export function shown(given: string): string {
  return JSON.stringify(given.length > SHOWN_LENGTH ? `${given.slice(0, SHOWN_LENGTH)}…` : given)
}

// `|| 0` turns minus zero into zero, which would make another key.
function hundredths(value: number): number {
  return Math.round(value * 100) / 100 || 0
}

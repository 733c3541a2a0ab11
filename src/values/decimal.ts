/** Adds decimals exactly, as Postgres's `numeric` does: 0.1 + 0.2 = 0.3. */
import { CounterRangeError } from './errors.ts'

/** A decimal number: `digits × 10^-scale`. */
interface Decimal {
  readonly digits: bigint
  readonly scale: number
}

/** Whole numbers whose sums a `number` holds exactly. Nearly all counters are such numbers. */
const SMALL = /^-?\d{1,15}$/
const FORM = /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/

/**
 * Adds two finite numbers in the form that `String` or this function writes.
 *
 * @throws CounterRangeError beyond ±Number.MAX_SAFE_INTEGER
 * @example
 * addDecimals('0.1', '0.2') // '0.3'
 */
export function addDecimals(a: string, b: string): string {
  if (SMALL.test(a) && SMALL.test(b)) return String(Number(a) + Number(b))
  const [x, y] = [parse(a), parse(b)]
  const scale = Math.max(x.scale, y.scale)
  const digits = digitsAt(x, scale) + digitsAt(y, scale)
  const bound = digitsAt({ digits: BigInt(Number.MAX_SAFE_INTEGER), scale: 0 }, scale)
  if (digits > bound || digits < -bound) throw new CounterRangeError()
  return format({ digits, scale })
}

/** Returns the integer part of a number, or 0 for a negative number. */
export function wholePart(text: string): number {
  if (SMALL.test(text)) return Math.max(0, Number(text))
  const { digits, scale } = parse(text)
  return digits < 0n ? 0 : Number(digits / 10n ** BigInt(scale))
}

/** Returns the first digits after the decimal point, as a whole number. Returns 0 for a negative number. */
export function fractionPart(text: string, places: number): number {
  const { digits, scale } = parse(text)
  if (digits < 0n || scale === 0) return 0
  const fraction = digits % 10n ** BigInt(scale)
  return Number((fraction * 10n ** BigInt(places)) / 10n ** BigInt(scale))
}

/** Returns the digits of a decimal at a larger scale. */
function digitsAt({ digits, scale }: Decimal, largerScale: number): bigint {
  return digits * 10n ** BigInt(largerScale - scale)
}

function parse(text: string): Decimal {
  const [, sign = '', whole = '0', fraction = '', exponent = '0'] = FORM.exec(text) ?? []
  const digits = BigInt(`${sign}${whole}${fraction}`)
  const scale = fraction.length - Number(exponent)
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 }
}

function format({ digits, scale }: Decimal): string {
  const sign = digits < 0n ? '-' : ''
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0')
  const whole = text.slice(0, text.length - scale)
  const fraction = text.slice(text.length - scale).replace(/0+$/, '')
  return sign + whole + (fraction === '' ? '' : `.${fraction}`)
}

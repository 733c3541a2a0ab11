/** Handles JSON as text, so that numbers keep their digits: `JSON.parse` rounds them to the precision of a `number`. */
import type { StoredValue } from '../values/codec.ts'
import { UserError } from './user-error.ts'

/** A number as JSON writes it, or with the leading `+` that other tools write. */
const NUMBER = /^[+-]?(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/i
/** Postgres rounds a `numeric` with more digits after the decimal point. */
const MAX_FRACTION_DIGITS = 16_383

/**
 * Converts a JSON text to its stored form, as the default codec writes it, but with every digit.
 *
 * @throws UserError, without quoting the text
 */
export function storedForm(given: string): StoredValue {
  const json = given.replace(/^\uFEFF/, '')
  const isExact = isCodecText(json)
  if (isExact === undefined) {
    throw new UserError(`Expected the value to be JSON. A string needs its quotes, as in '"text"'.`)
  }
  const text = isExact ? json : joinTokens(json)
  if (text === 'null') return { value: null, number: null }
  if (NUMBER.test(text)) return { value: null, number: decimalText(text, 'the value') }
  if (isExact) return { value: text, number: null }
  for (const token of tokensOf(text)) if (NUMBER.test(token)) checkReadable(token, 'each number in the value')
  return { value: text, number: null }
}

export const isDecimal = (text: string) => NUMBER.test(text)

export function isJson(text: string): boolean {
  return isCodecText(text) !== undefined
}

/**
 * Removes white space and writes strings as `JSON.stringify` does. Numbers and the order of fields stay as they are.
 */
export function compactJson(json: string): string {
  return isCodecText(json) ? json : joinTokens(json)
}

/**
 * Returns true if the default codec would write exactly this text, so that no digit is lost. (A number out of range
 * would become null.) Most texts pass, and this check takes a third of the time of reading tokens. Returns undefined if
 * the text is not JSON.
 */
function isCodecText(text: string): boolean | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  try {
    return JSON.stringify(value) === text
  } catch {
    // `JSON.parse` reads deeper nesting than `JSON.stringify` can write.
    return false
  }
}

function joinTokens(json: string): string {
  let text = ''
  for (const token of tokensOf(json)) text += token.includes('\\') ? JSON.stringify(JSON.parse(token)) : token
  return text
}

/** Adds line breaks and indentation, for people. */
export function indentedJson(json: string): string {
  let text = ''
  let depth = 0
  let before = ''
  for (const token of tokensOf(json)) {
    const isEnd = token === '}' || token === ']'
    if (isEnd) depth--
    const isEmpty = isEnd && (before === '{' || before === '[')
    if (!isEmpty && (isEnd || before === '{' || before === '[' || before === ',')) text += `\n${'  '.repeat(depth)}`
    text += token === ':' ? ': ' : token
    if (token === '{' || token === '[') depth++
    before = token
  }
  return text
}

/**
 * Writes a number in a form that both Postgres and JavaScript read.
 *
 * @param name the name of the number in messages
 * @throws UserError
 */
export function decimalText(text: string, name: string): string {
  const [, whole, fraction = '', exponent = '0'] = NUMBER.exec(text) ?? []
  if (whole === undefined) throw new UserError(`Expected ${name} to be a decimal number.`)
  checkReadable(text, name)
  // Zero needs no exponent, and its exponent may be out of range.
  if (Number(text) === 0) return '0'
  if (fraction.length - Number(exponent) > MAX_FRACTION_DIGITS) {
    throw new UserError(`Expected ${name} to have at most ${MAX_FRACTION_DIGITS} digits after the decimal point.`)
  }
  return text
    .replace(/^\+/, '')
    .replace(/e(?=\d)/i, 'e+')
    .toLowerCase()
}

/** JavaScript reads too large a number as Infinity, and too small a number as 0. @throws UserError */
function checkReadable(text: string, name: string): void {
  const value = Number(text)
  const isLost = !Number.isFinite(value) || (value === 0 && /[1-9]/.test(text.replace(/e.*/i, '')))
  if (isLost) throw new UserError(`Expected ${name} to be within the range of a JavaScript number, about 1e±308.`)
}

/** Yields the tokens of a valid JSON text: brackets, commas, colons, strings, and numbers and words between them. */
function* tokensOf(json: string): Generator<string> {
  for (let at = 0; at < json.length; ) {
    const character = json[at] as string
    if (character === '"') {
      const end = endOfString(json, at)
      yield json.slice(at, end)
      at = end
    } else if (/[{}[\],:]/.test(character)) {
      yield character
      at++
    } else if (/\s/.test(character)) at++
    else {
      const start = at
      while (at < json.length && !/[{}[\],:\s"]/.test(json[at] as string)) at++
      yield json.slice(start, at)
    }
  }
}

/** Uses a loop, because a regular expression overflows the stack on a string of megabytes. */
function endOfString(json: string, start: number): number {
  let at = start + 1
  while (json[at] !== '"') at += json[at] === '\\' ? 2 : 1
  return at + 1
}

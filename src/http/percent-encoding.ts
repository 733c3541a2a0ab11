/** Percent-encoding: RFC 3986 6.2.2 calls some spellings of a URL equivalent. They name one resource, so they share one key. */

const ESCAPE = /%[\da-f]{2}/gi
const UNRESERVED = /[\w.~-]/
const HEX_DIGIT = /[\da-f]/i
/** A percent sign, and perhaps one digit, that begin no escape. */
const LONE_PERCENT = /%[\da-f]?$/i
/** An escape that a prefix breaks off. */
const PARTIAL = /%([\da-f]?)$/i

/**
 * Decodes the escapes of unreserved characters, and writes the digits of the others in upper case (RFC 3986 6.2.2.1 and
 * 6.2.2.2). Reserved characters stay escaped, because they would then separate parts of the URL.
 */
export function normalizeEscapes(text: string): string {
  return text.replace(ESCAPE, (given, at: number) => {
    const character = characterOf(given)
    if (!UNRESERVED.test(character)) return given.toUpperCase()
    // Behind a lone percent sign, a decoded digit could complete an escape that nobody wrote: `%%341` is not `%41`.
    const isDigitOfLonePercent = HEX_DIGIT.test(character) && LONE_PERCENT.test(text.slice(Math.max(0, at - 2), at))
    return isDigitOfLonePercent ? given.toUpperCase() : character
  })
}

/**
 * Returns the texts that together begin all spellings equivalent to one that begins with the prefix.
 *
 * A prefix that ends within an escape begins the characters that the escape may encode: `%4` begins `%40`, and `A`, which is
 * `%41`.
 */
export function completePrefix(prefix: string): string[] {
  const [partial, digit = ''] = PARTIAL.exec(prefix) ?? []
  if (partial === undefined) return [prefix]
  const start = prefix.slice(0, -partial.length)
  const escapes = UNRESERVED_ESCAPES.filter((each) => each.startsWith(partial.toUpperCase()))
  // A lone percent sign keeps its spelling, and an escape does not.
  return [prefix, `${start}%${digit.toUpperCase()}`, ...escapes.map((each) => start + each)]
}

function characterOf(given: string): string {
  return String.fromCharCode(Number.parseInt(given.slice(1), 16))
}

const UNRESERVED_ESCAPES = Array.from(
  { length: 0x80 },
  (_, code) => `%${code.toString(16).padStart(2, '0').toUpperCase()}`,
).filter((each) => UNRESERVED.test(characterOf(each)))

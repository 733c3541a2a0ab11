/** The common syntax of header fields: lists, tokens and quoted strings (RFC 9110 5.6), delta-seconds (RFC 9111 1.2.2). */

/** The characters of a token (RFC 9110 5.6.2), for regular expressions. */
export const TCHAR = "[!#$%&'*+.^_`|~0-9A-Za-z-]"

/** The largest number of seconds, 68 years. Larger ones count as this (RFC 9111 1.2.2). */
export const MAX_DELTA_SECONDS = 2 ** 31

const TOKEN = new RegExp(`^${TCHAR}+$`)
const DIGITS = /^\d+$/

export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Removes optional whitespace at both ends (RFC 9110 5.6.3): spaces and tabs, but no other whitespace. */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

/**
 * Returns the non-empty members of a list (RFC 9110 5.6.1). A comma inside a quoted string does not separate members.
 *
 * A quote that is never closed is an ordinary character, and so is every later quote. Otherwise it would swallow the rest.
 */
export function listMembers(value: string | null): string[] {
  if (value === null) return []
  const members: string[] = []
  let [start, quotes] = [0, true]
  for (let i = 0; i < value.length; i++) {
    if (value[i] === ',') {
      members.push(value.slice(start, i))
      start = i + 1
    } else if (value[i] === '"' && quotes) {
      const closing = closingQuote(value, i)
      if (closing === undefined) quotes = false
      else i = closing
    }
  }
  members.push(value.slice(start))
  return members.map(trimBlanks).filter((member) => member !== '')
}

/** Returns the field names of a list in lower case, each once, or undefined if a member is not a field name. */
export function fieldNames(value: string | null): readonly string[] | undefined {
  const names = new Set(listMembers(value).map((name) => name.toLowerCase()))
  return [...names].every(isToken) ? [...names] : undefined
}

/** Parses delta-seconds (RFC 9111 1.2.2), up to the largest number. Returns undefined for anything but digits. */
export function deltaSeconds(text: string): number | undefined {
  return DIGITS.test(text) ? Math.min(Number(text), MAX_DELTA_SECONDS) : undefined
}

function closingQuote(value: string, opening: number): number | undefined {
  for (let i = opening + 1; i < value.length; i++) {
    if (value[i] === '\\') i++
    else if (value[i] === '"') return i
  }
  return undefined
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

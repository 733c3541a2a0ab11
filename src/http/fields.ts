/** What header fields have in common: lists, tokens and quoted strings (RFC 9110 5.6), numbers of seconds (RFC 9111 1.2.2). */

/** The characters of a token (RFC 9110 5.6.2), for regular expressions. */
export const TCHAR = "[!#$%&'*+.^_`|~0-9A-Za-z-]"

/** What a larger number of seconds counts as (RFC 9111 1.2.2); 68 years. */
export const MAX_DELTA_SECONDS = 2 ** 31

const TOKEN = new RegExp(`^${TCHAR}+$`)
const DIGITS = /^\d+$/

export function isToken(text: string): boolean {
  return TOKEN.test(text)
}

/** Without the optional whitespace around it (RFC 9110 5.6.3): spaces and tabs, no other. */
export function trimmed(text: string): string {
  let [start, end] = [0, text.length]
  while (start < end && isBlank(text[start])) start++
  while (end > start && isBlank(text[end - 1])) end--
  return text.slice(start, end)
}

/**
 * The members of a list (RFC 9110 5.6.1), empty ones left out; a comma within a quoted string separates nothing.
 *
 * A quote that is never closed is an ordinary character, and so is every later one: it must not swallow the rest.
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
  return members.map(trimmed).filter((member) => member !== '')
}

/** A list of field names in lower case, each once; undefined where a member is no field name. */
export function fieldNames(value: string | null): readonly string[] | undefined {
  const names = new Set(listMembers(value).map((name) => name.toLowerCase()))
  return [...names].every(isToken) ? [...names] : undefined
}

/** delta-seconds (RFC 9111 1.2.2): digits and nothing else, bounded; undefined where it is anything else. */
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

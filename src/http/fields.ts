/**
 * The common syntax of header fields: lists, tokens and quoted strings (RFC 9110 5.6), delta-seconds (RFC 9111 1.2.2),
 * and dates (RFC 9110 5.6.7). Nothing throws.
 */
/** The characters of a token (RFC 9110 5.6.2), for regular expressions. */
export const TCHAR = "[!#$%&'*+.^_`|~0-9A-Za-z-]"

/** The largest delta-seconds, 68 years. A larger number counts as this one (RFC 9111 1.2.2). */
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
 * An unclosed quote counts as an ordinary character, and so does every later quote. Otherwise it would swallow the
 * rest.
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

/**
 * Returns the field names of a list, in lower case and without duplicates. Returns undefined if a member is not a field
 * name.
 */
export function fieldNames(value: string | null): readonly string[] | undefined {
  const names = new Set(listMembers(value).map((name) => name.toLowerCase()))
  return [...names].every(isToken) ? [...names] : undefined
}

/** Parses delta-seconds (RFC 9111 1.2.2), up to `MAX_DELTA_SECONDS`. Returns undefined for anything but digits. */
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

// HTTP dates have exactly three formats. `Date.parse` would accept many more formats, and other time zones (RFC 9111
// 4.2).
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

const SHORT_DAY = '(?:mon|tue|wed|thu|fri|sat|sun)'
const LONG_DAY = '(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)'
const MONTH = `(?<month>${MONTHS.join('|')})`
const TIME = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})'

const FORMATS = [
  `${SHORT_DAY}, (?<day>\\d{2}) ${MONTH} (?<year>\\d{4}) ${TIME} gmt`, // IMF-fixdate
  `${LONG_DAY}, (?<day>\\d{2})-${MONTH}-(?<year>\\d{2}) ${TIME} gmt`, // RFC 850
  `${SHORT_DAY} ${MONTH} (?<day>[ \\d]\\d) ${TIME} (?<year>\\d{4})`, // asctime
].map((format) => new RegExp(`^${format}$`, 'i'))

const YEARS_PER_CENTURY = 100
const LEAP_SECOND = 60
/** The last instant of a year with four digits. */
const LATEST_EPOCH_MS = Date.UTC(9999, 11, 31, 23, 59, 59)

/**
 * Returns epoch milliseconds, or undefined if the value is not an HTTP date.
 *
 * @param now epoch milliseconds, which decide the century of a two-digit year (RFC 850 format)
 */
export function parseHttpDate(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  const text = trimBlanks(value)
  for (const format of FORMATS) {
    const groups = format.exec(text)?.groups
    if (groups) return instant(groups, now)
  }
  return undefined
}

/** Formats as IMF-fixdate, the only format that may be generated. Drops fractions of a second. */
export function formatHttpDate(epochMs: number): string {
  return new Date(Math.min(Math.max(epochMs, 0), LATEST_EPOCH_MS)).toUTCString()
}

function instant(groups: Record<string, string>, now: number): number | undefined {
  const { year = '', month = '', day, hour, minute, second } = groups
  const date = new Date(0)
  const monthIndex = MONTHS.indexOf(month.toLowerCase())
  date.setUTCFullYear(Number(year), monthIndex, Number(day))
  // A leap second becomes the nearest earlier time that `Date` can represent (RFC 9111 4.2).
  const seconds = Number(second) === LEAP_SECOND ? LEAP_SECOND - 1 : Number(second)
  date.setUTCHours(Number(hour), Number(minute), seconds)
  if (year.length === 2) chooseCentury(date, Number(year), now)
  // An impossible date such as 31 Feb overflows, which changes the day or the month.
  const isRealDay = date.getUTCDate() === Number(day) && date.getUTCMonth() === monthIndex
  const isRealTime = Number(hour) < 24 && Number(minute) < 60 && seconds < 60
  return isRealDay && isRealTime ? date.getTime() : undefined
}

/**
 * Reads a year that would be over 50 years ahead as the most recent past year with the same digits (RFC 9110 5.6.7).
 */
function chooseCentury(date: Date, digits: number, now: number): void {
  const limit = new Date(now)
  limit.setUTCFullYear(limit.getUTCFullYear() + 50)
  const [month, day] = [date.getUTCMonth(), date.getUTCDate()]
  const century = Math.floor(limit.getUTCFullYear() / YEARS_PER_CENTURY) * YEARS_PER_CENTURY
  date.setUTCFullYear(century + digits, month, day)
  if (date > limit) date.setUTCFullYear(century + digits - YEARS_PER_CENTURY, month, day)
}

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatHttpDate, parseHttpDate } from '../../src/http/fields.ts'

const NOW = Date.UTC(2026, 0, 15, 12)
const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37)

describe('an HTTP date (RFC 9110 5.6.7)', () => {
  it.each(['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])(
    'is parsed from %j',
    (text) => {
      expect(parseHttpDate(text, NOW)).toBe(EXAMPLE)
    },
  )

  it('is parsed in any case (RFC 9111 4.2)', () => {
    expect(parseHttpDate('sUN, 06 nov 1994 08:49:37 gmt', NOW)).toBe(EXAMPLE)
  })

  it('is parsed with whitespace around it', () => {
    expect(parseHttpDate(' \tSun, 06 Nov 1994 08:49:37 GMT ', NOW)).toBe(EXAMPLE)
  })

  it.each([
    '',
    '0',
    '-1',
    '1994-11-06T08:49:37Z',
    '784111777',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 08:49:37 EST',
    'Sun, 06 Nov 1994 08:49:37 +0000',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun 06 Nov 1994 08:49:37 GMT',
    'Sun, 06  Nov  1994 08:49:37 GMT',
    'Sun, 06-Nov-1994 08:49:37 GMT',
    'Sun, 06 Nov 94 08:49:37 GMT',
    'Sun, 6 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 8:49:37 GMT',
    'Sun, 06 Nov 1994 08.49.37 GMT',
    'Sun, 06 Nov 1994 24:00:00 GMT',
    'Sun, 06 Nov 1994 08:60:00 GMT',
    'Sun, 06 Nov 1994 08:49:61 GMT',
    'Sun, 00 Nov 1994 08:49:37 GMT',
    'Sun, 31 Nov 1994 08:49:37 GMT',
    'Tue, 29 Feb 2025 08:49:37 GMT',
    'Foo, 06 Nov 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
    'Sun Nov 06 08:49:37 94',
  ])('is not parsed from %j', (text) => {
    expect(parseHttpDate(text, NOW)).toBeUndefined()
  })

  it('is never later than its text: a leap second becomes the second before', () => {
    expect(parseHttpDate('Sat, 31 Dec 2016 23:59:60 GMT', NOW)).toBe(Date.UTC(2016, 11, 31, 23, 59, 59))
  })

  it.each([
    ['75', 2075],
    ['76', 2076],
    ['77', 1977],
    ['99', 1999],
    ['00', 2000],
    ['26', 2026],
  ])('with the two-digit year %s is in %i, at most 50 years ahead', (digits, year) => {
    expect(parseHttpDate(`Thursday, 01-Jan-${digits} 00:00:00 GMT`, NOW)).toBe(Date.UTC(year, 0))
  })

  it('with a two-digit year is in the past if it would be more than 50 years ahead by a day', () => {
    expect(parseHttpDate('Thursday, 16-Jan-76 12:00:00 GMT', NOW)).toBe(Date.UTC(1976, 0, 16, 12))
    expect(parseHttpDate('Thursday, 15-Jan-76 12:00:00 GMT', NOW)).toBe(Date.UTC(2076, 0, 15, 12))
  })

  it('with a two-digit year may cross the end of a century', () => {
    const late = Date.UTC(2060, 0)
    expect(parseHttpDate('Thursday, 01-Jan-05 00:00:00 GMT', late)).toBe(Date.UTC(2105, 0))
    expect(parseHttpDate('Thursday, 01-Jan-99 00:00:00 GMT', late)).toBe(Date.UTC(2099, 0))
  })

  it('survives formatting and parsing, to the second', () => {
    const instants = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
    fc.assert(
      fc.property(instants, (ms) => {
        expect(parseHttpDate(formatHttpDate(ms), NOW)).toBe(Math.floor(ms / 1000) * 1000)
      }),
    )
  })

  it('is a whole number or undefined, for any text', () => {
    const pieces = fc.constantFrom('Sun', 'Sunday', ', ', ' ', '06', '-', 'Nov', '1994', '94', '08:49:37', ' GMT', '60')
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const found = parseHttpDate(text, NOW)
        expect(found === undefined || Number.isInteger(found)).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

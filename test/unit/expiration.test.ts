import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InvalidExpirationError } from '../../src/values/errors.ts'
import { parseExpiration, parsePeriod } from '../../src/values/expiration.ts'

const NOW = Date.UTC(2026, 0)

describe('an expiration', () => {
  it.each([
    [1, 1_000],
    [0.25, 250],
    [1.0015, 1_002],
    [0.0001, 1],
    [-0.0001, 0],
    ['1ms', 1],
    ['1.5h', 5_400_000],
    ['.5s', 500],
    ['1e3s', 1_000_000],
    ['-2d', -172_800_000],
    [{ days: 1, hours: 1, minutes: 1, seconds: 1, milliseconds: 1 }, 90_061_001],
    [{ minutes: 1, seconds: undefined }, 60_000],
  ])('as %j is that many milliseconds from now', (input, ms) => {
    expect(parseExpiration(input, NOW)).toEqual({ kind: 'after', ms })
  })

  it('may be a Date of another realm', async () => {
    const { runInNewContext } = await import('node:vm')
    expect(parseExpiration(runInNewContext('new Date(5)'), NOW)).toEqual({ kind: 'at', epochMs: 5 })
  })

  it('is either accepted or refused with a typed error, for any value', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true, withTypedArray: true }), (input) => {
        try {
          const deadline = parseExpiration(input, NOW)
          if (deadline.kind === 'after') expect(Number.isInteger(deadline.ms)).toBe(true)
          if (deadline.kind === 'at') expect(deadline.epochMs).toBeGreaterThanOrEqual(0)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidExpirationError)
        }
      }),
      { numRuns: 5_000 },
    )
  })

  it('ends with year 9999', () => {
    const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999)
    expect(parseExpiration(new Date(last), NOW)).toEqual({ kind: 'at', epochMs: last })
    expect(() => parseExpiration(new Date(last + 1), NOW)).toThrow(InvalidExpirationError)
    expect(parseExpiration((last - NOW) / 1_000, NOW)).toEqual({ kind: 'after', ms: last - NOW })
    expect(() => parseExpiration((last - NOW + 1) / 1_000, NOW)).toThrow(InvalidExpirationError)
  })

  it('as a period must be positive and relative', () => {
    expect(parsePeriod('1m', 'period', NOW)).toBe(60_000)
    for (const input of [0, -1, null, new Date(NOW), '0s']) {
      expect(() => parsePeriod(input, 'period', NOW)).toThrow(/Expected period to be a positive span of time/)
    }
  })
})

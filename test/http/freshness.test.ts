import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ageValue,
  currentAgeMs,
  freshness,
  initialAgeMs,
  parseAge,
  remainingMs,
  servingSpans,
  staleWindows,
} from '../../src/http/freshness.ts'
import { createPolicy } from '../../src/http/policy.ts'
import { fieldsToStore } from '../../src/http/stored-fields.ts'
import { DAY, date, HOUR, MINUTE, NOW, response, SECOND } from './messages.ts'

const policy = createPolicy()

describe('the Age field (RFC 9111 5.1)', () => {
  it.each([
    ['0', 0],
    ['7200', 7200],
    ['7200, 0', 7200],
    ['0,7200', 0],
    [', 5', 5],
    ['99999999999', 2 ** 31],
  ])('%j means %i seconds: the first member counts', (value, seconds) => {
    expect(parseAge(value)).toBe(seconds)
  })

  it.each([null, '', 'abc', '-7200', '7200.0', 'x, 5', '"5"'])('%j is ignored', (value) => {
    expect(parseAge(value)).toBeUndefined()
    if (value !== null) expect(initialAgeMs(response({ age: value }))).toBe(0)
  })
})

describe('the age of a response (RFC 9111 4.2.3)', () => {
  it('begins with the Age of upstream caches and the duration of the request', () => {
    expect(initialAgeMs(response({ age: '10' }, { requestAt: NOW - 3 * SECOND }))).toBe(13 * SECOND)
  })

  it('begins with the time since Date if that is more', () => {
    expect(initialAgeMs(response({ age: '10', date: date(-HOUR) }))).toBe(HOUR)
    expect(initialAgeMs(response({ age: '7200', date: date(-HOUR) }))).toBe(2 * HOUR)
  })

  it('is never negative, whatever the clocks say', () => {
    const skewed = response({ date: date(HOUR) }, { requestAt: NOW + HOUR })
    expect(initialAgeMs(skewed)).toBe(0)
    expect(currentAgeMs(skewed, NOW - HOUR)).toBe(0)
  })

  it('is zero for a Date of the same second', () => {
    expect(initialAgeMs(response({ date: date(0) }, { requestAt: NOW + 999, responseAt: NOW + 999 }))).toBe(0)
  })

  it('and the lifetime are the same before and after a missing Date is added', () => {
    const given = response({ expires: date(HOUR) }, { requestAt: NOW + 999, responseAt: NOW + 999 })
    const stored = { ...given, headers: fieldsToStore(given, policy) }
    expect(freshness(given, policy)).toEqual(freshness(stored, policy))
    expect(initialAgeMs(given)).toBe(initialAgeMs(stored))
  })

  it('grows with the time since the response was received', () => {
    expect(currentAgeMs(response({ age: '10' }), NOW + MINUTE)).toBe(70 * SECOND)
  })

  it('is sent in whole seconds, and bounded', () => {
    expect(ageValue(response({ age: '10' }), NOW + 1_999)).toBe('11')
    expect(ageValue(response({ age: '9999999999' }), NOW + HOUR)).toBe('2147483648')
  })
})

describe('the freshness lifetime (RFC 9111 4.2.1)', () => {
  it.each([
    [{ 'cache-control': 's-maxage=9, max-age=5', expires: date(HOUR) }, 's-maxage', 9 * SECOND],
    [{ 'cache-control': 'max-age=5', expires: date(HOUR) }, 'max-age', 5 * SECOND],
    [{ 'cache-control': 'max-age=x', expires: date(HOUR) }, 'max-age', 0],
    [{ 'cache-control': 's-maxage=x, max-age=5' }, 's-maxage', 0],
    [{ 'cache-control': 'public', expires: date(HOUR) }, 'expires', HOUR],
    [{ expires: date(HOUR), date: date(-HOUR) }, 'expires', 2 * HOUR],
    [{ expires: date(HOUR), date: date(2 * HOUR) }, 'expires', 0],
    [{ expires: date(HOUR), date: 'yesterday' }, 'expires', HOUR],
    [{}, 'none', 0],
  ] as const)('of %j comes from %s', (fields, source, lifetimeMs) => {
    expect(freshness(response(fields), policy)).toEqual({ lifetimeMs, source })
  })

  it.each(['0', '', '-1', 'never', 'Thu, 18 Aug 2050 02:01:18 UTC', `${date(HOUR)}, ${date(HOUR)}`])(
    'is over already if Expires is %j (RFC 9111 5.3)',
    (expires) => {
      const eager = createPolicy({ defaultLifetime: 60, heuristic: true })
      expect(freshness(response({ expires, 'last-modified': date(-DAY) }), eager)).toEqual({
        lifetimeMs: 0,
        source: 'expires',
      })
    },
  )

  it('of several Expires lines is over already', () => {
    const given = response([
      ['expires', date(HOUR)],
      ['expires', date(DAY)],
    ])
    expect(freshness(given, policy).lifetimeMs).toBe(0)
  })
})

describe('a response that names no lifetime', () => {
  const guess = createPolicy({ heuristic: true })

  it('is fresh for a tenth of the time since it was modified, and a day at most (RFC 9111 4.2.2)', () => {
    const modified = (ago: number) => freshness(response({ 'last-modified': date(-ago) }), guess)
    expect(modified(10 * HOUR)).toEqual({ lifetimeMs: HOUR, source: 'heuristic' })
    expect(modified(1_000 * DAY).lifetimeMs).toBe(DAY)
    expect(modified(-HOUR)).toEqual({ lifetimeMs: 0, source: 'none' })
  })

  it('is guessed by the fraction and the cap that are set', () => {
    const own = createPolicy({ heuristic: { fraction: 0.5, maxSeconds: 60 } })
    expect(freshness(response({ 'last-modified': date(-MINUTE) }), own).lifetimeMs).toBe(30 * SECOND)
    expect(freshness(response({ 'last-modified': date(-DAY) }), own).lifetimeMs).toBe(MINUTE)
  })

  it('is guessed only if its status is cacheable by heuristics, or it is public', () => {
    const fields = { 'last-modified': date(-DAY) }
    expect(freshness(response(fields, { status: 302 }), guess).source).toBe('none')
    expect(freshness(response(fields, { status: 500 }), guess).source).toBe('none')
    expect(freshness(response(fields, { status: 404 }), guess).source).toBe('heuristic')
    const open = response({ ...fields, 'cache-control': 'public' }, { status: 302 })
    expect(freshness(open, guess).source).toBe('heuristic')
  })

  it('is never guessed if a lifetime is stated', () => {
    const given = response({ 'last-modified': date(-DAY), 'cache-control': 'max-age=0' })
    expect(freshness(given, createPolicy({ heuristic: true, defaultLifetime: 60 })).source).toBe('max-age')
  })

  it('gets the default lifetime, if there is one, before any guess', () => {
    const own = createPolicy({ heuristic: true, defaultLifetime: 60 })
    expect(freshness(response({ 'last-modified': date(-DAY) }), own)).toEqual({
      lifetimeMs: MINUTE,
      source: 'default',
    })
  })

  it('gets none if Pragma: no-cache is its only directive', () => {
    const own = createPolicy({ defaultLifetime: 60 })
    expect(freshness(response({ pragma: 'no-cache' }), own).source).toBe('none')
    expect(freshness(response({ pragma: 'no-cache', 'cache-control': 'public' }), own).source).toBe('default')
  })
})

describe('the remaining lifetime', () => {
  it('is over at the very instant at which age reaches lifetime (RFC 9111 4.2)', () => {
    const given = response({ 'cache-control': 'max-age=5' })
    expect(remainingMs(given, NOW + 5 * SECOND - 1, policy)).toBe(1)
    expect(remainingMs(given, NOW + 5 * SECOND, policy)).toBe(0)
  })

  it('counts the age that upstream caches report', () => {
    expect(remainingMs(response({ 'cache-control': 'max-age=3600', age: '7200' }), NOW, policy)).toBe(-HOUR)
  })

  it('is over since the instant at which it was marked as stale', () => {
    const given = response({ 'cache-control': 'max-age=3600' }, { staleSince: NOW + SECOND })
    expect(remainingMs(given, NOW + 3 * SECOND, policy)).toBe(-2 * SECOND)
  })
})

describe('the windows for serving stale (RFC 5861)', () => {
  const own = createPolicy({ staleWhileRevalidate: 10, staleIfError: 20 })
  const windows = (value: string, more = own) => staleWindows(response({ 'cache-control': value }), more)
  const NONE = { whileRevalidateMs: 0, ifErrorMs: 0 }

  it('are those that the response names, or else those of the policy', () => {
    expect(windows('max-age=5')).toEqual({ whileRevalidateMs: 10 * SECOND, ifErrorMs: 20 * SECOND })
    expect(windows('max-age=5, stale-while-revalidate=1, stale-if-error=0')).toEqual({
      whileRevalidateMs: SECOND,
      ifErrorMs: 0,
    })
  })

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache', 'max-age=5; must-revalidate'])(
    'are prohibited by %s, even those that it names itself (RFC 9111 4.2.4)',
    (value) => {
      expect(windows(`max-age=5, stale-while-revalidate=9, stale-if-error=9, ${value}`)).toEqual(NONE)
    },
  )

  it('may stand beside s-maxage if the policy says so, but must be named', () => {
    const lax = createPolicy({ allowStaleWithSMaxAge: true, staleWhileRevalidate: 10 })
    expect(windows('s-maxage=5, stale-while-revalidate=9', lax).whileRevalidateMs).toBe(9 * SECOND)
    expect(windows('s-maxage=5', lax)).toEqual(NONE)
    expect(windows('s-maxage=5, must-revalidate, stale-while-revalidate=9', lax)).toEqual(NONE)
  })

  it('are not given by default to a response that was never fresh', () => {
    expect(windows('max-age=0')).toEqual(NONE)
    expect(windows('max-age=0, stale-while-revalidate=5').whileRevalidateMs).toBe(5 * SECOND)
    expect(staleWindows(response({ expires: '0' }), own)).toEqual(NONE)
    expect(staleWindows(response({ 'cache-control': 'max-age=5', age: '5' }), own)).toEqual(NONE)
  })

  it('and the lifetime say how long to keep a response', () => {
    const given = response({ 'cache-control': 'max-age=60', age: '10' })
    expect(servingSpans(given, own)).toEqual({ freshMs: 50 * SECOND, staleMs: 70 * SECOND })
    expect(servingSpans(response({}), own)).toEqual({ freshMs: 0, staleMs: 0 })
    const validated = response({ 'cache-control': 'no-cache, max-age=60' })
    expect(servingSpans(validated, own).freshMs).toBe(0)
  })
})

it('Lifetimes and ages are finite and not negative, whatever the fields say', () => {
  const text = fc.oneof(fc.stringMatching(/^[ -~]{0,20}$/), fc.constantFrom(date(-DAY), date(DAY), '9'.repeat(400)))
  const fields = fc.record({ age: text, date: text, expires: text, 'last-modified': text, 'cache-control': text })
  const eager = createPolicy({ heuristic: true })
  fc.assert(
    fc.property(fields, (given) => {
      const { lifetimeMs } = freshness(response(given), eager)
      for (const ms of [lifetimeMs, currentAgeMs(response(given), NOW + HOUR)]) {
        expect(Number.isFinite(ms) && ms >= 0).toBe(true)
      }
    }),
  )
})

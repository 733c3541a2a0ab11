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
  ])('with value %j means %i seconds: the first member counts', (value, seconds) => {
    expect(parseAge(value)).toBe(seconds)
  })

  it.each([null, '', 'abc', '-7200', '7200.0', 'x, 5', '"5"'])('with value %j is ignored', (value) => {
    expect(parseAge(value)).toBeUndefined()
    if (value !== null) expect(initialAgeMs(response({ age: value }))).toBe(0)
  })
})

describe('the age of a response (RFC 9111 4.2.3)', () => {
  it('starts with the Age of upstream caches and the duration of the request', () => {
    expect(initialAgeMs(response({ age: '10' }, { requestAt: NOW - 3 * SECOND }))).toBe(13 * SECOND)
  })

  it('starts with the time since Date if that is longer', () => {
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

  it('stays the same when a missing Date is added, and so does the lifetime', () => {
    const given = response({ expires: date(HOUR) }, { requestAt: NOW + 999, responseAt: NOW + 999 })
    const stored = { ...given, headers: fieldsToStore(given, policy) }
    expect(freshness(given, policy)).toEqual(freshness(stored, policy))
    expect(initialAgeMs(given)).toBe(initialAgeMs(stored))
  })

  it('grows by the time since the response was received', () => {
    expect(currentAgeMs(response({ age: '10' }), NOW + MINUTE)).toBe(70 * SECOND)
  })

  it('is sent in whole seconds, with a maximum', () => {
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
  ] as const)('for %j comes from %s', (fields, source, lifetimeMs) => {
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

  it('is over already with several Expires lines', () => {
    const given = response([
      ['expires', date(HOUR)],
      ['expires', date(DAY)],
    ])
    expect(freshness(given, policy).lifetimeMs).toBe(0)
  })
})

describe('a response without a stated lifetime', () => {
  const guess = createPolicy({ heuristic: true })

  it('is fresh for a tenth of the time since Last-Modified, at most a day (RFC 9111 4.2.2)', () => {
    const modified = (ago: number) => freshness(response({ 'last-modified': date(-ago) }), guess)
    expect(modified(10 * HOUR)).toEqual({ lifetimeMs: HOUR, source: 'heuristic' })
    expect(modified(1_000 * DAY).lifetimeMs).toBe(DAY)
    expect(modified(-HOUR)).toEqual({ lifetimeMs: 0, source: 'none' })
  })

  it('gets its heuristic lifetime by the configured fraction and cap', () => {
    const own = createPolicy({ heuristic: { fraction: 0.5, maxSeconds: 60 } })
    expect(freshness(response({ 'last-modified': date(-MINUTE) }), own).lifetimeMs).toBe(30 * SECOND)
    expect(freshness(response({ 'last-modified': date(-DAY) }), own).lifetimeMs).toBe(MINUTE)
  })

  it('gets a heuristic lifetime only if its status allows that, or if it is public', () => {
    const fields = { 'last-modified': date(-DAY) }
    expect(freshness(response(fields, { status: 302 }), guess).source).toBe('none')
    expect(freshness(response(fields, { status: 500 }), guess).source).toBe('none')
    expect(freshness(response(fields, { status: 404 }), guess).source).toBe('heuristic')
    const open = response({ ...fields, 'cache-control': 'public' }, { status: 302 })
    expect(freshness(open, guess).source).toBe('heuristic')
  })

  it('gets no heuristic lifetime if any lifetime is stated', () => {
    const given = response({ 'last-modified': date(-DAY), 'cache-control': 'max-age=0' })
    expect(freshness(given, createPolicy({ heuristic: true, defaultLifetime: 60 })).source).toBe('max-age')
  })

  it('gets the configured default lifetime before any heuristic', () => {
    const own = createPolicy({ heuristic: true, defaultLifetime: 60 })
    expect(freshness(response({ 'last-modified': date(-DAY) }), own)).toEqual({
      lifetimeMs: MINUTE,
      source: 'default',
    })
  })

  it('gets no lifetime if Pragma: no-cache is its only directive', () => {
    const own = createPolicy({ defaultLifetime: 60 })
    expect(freshness(response({ pragma: 'no-cache' }), own).source).toBe('none')
    expect(freshness(response({ pragma: 'no-cache', 'cache-control': 'public' }), own).source).toBe('default')
  })
})

describe('the remaining lifetime', () => {
  it('ends at the instant when the age reaches the lifetime (RFC 9111 4.2)', () => {
    const given = response({ 'cache-control': 'max-age=5' })
    expect(remainingMs(given, NOW + 5 * SECOND - 1, policy)).toBe(1)
    expect(remainingMs(given, NOW + 5 * SECOND, policy)).toBe(0)
  })

  it('counts the age that upstream caches report', () => {
    expect(remainingMs(response({ 'cache-control': 'max-age=3600', age: '7200' }), NOW, policy)).toBe(-HOUR)
  })

  it('has ended since the instant of a soft purge', () => {
    const given = response({ 'cache-control': 'max-age=3600' }, { staleSince: NOW + SECOND })
    expect(remainingMs(given, NOW + 3 * SECOND, policy)).toBe(-2 * SECOND)
  })
})

describe('the windows for serving stale responses (RFC 5861)', () => {
  const own = createPolicy({ staleWhileRevalidate: 10, staleIfError: 20 })
  const windows = (value: string, more = own) => staleWindows(response({ 'cache-control': value }), more)
  const NONE = { whileRevalidateMs: 0, ifErrorMs: 0 }

  it('are those of the response, or otherwise those of the policy', () => {
    expect(windows('max-age=5')).toEqual({ whileRevalidateMs: 10 * SECOND, ifErrorMs: 20 * SECOND })
    expect(windows('max-age=5, stale-while-revalidate=1, stale-if-error=0')).toEqual({
      whileRevalidateMs: SECOND,
      ifErrorMs: 0,
    })
  })

  it.each(['must-revalidate', 'proxy-revalidate', 's-maxage=5', 'no-cache', 'max-age=5; must-revalidate'])(
    'are prohibited by %s, even if the response states them (RFC 9111 4.2.4)',
    (value) => {
      expect(windows(`max-age=5, stale-while-revalidate=9, stale-if-error=9, ${value}`)).toEqual(NONE)
    },
  )

  it('are allowed beside s-maxage by a policy option, but only if the response states them', () => {
    const lax = createPolicy({ allowStaleWithSMaxAge: true, staleWhileRevalidate: 10 })
    expect(windows('s-maxage=5, stale-while-revalidate=9', lax).whileRevalidateMs).toBe(9 * SECOND)
    expect(windows('s-maxage=5', lax)).toEqual(NONE)
    expect(windows('s-maxage=5, must-revalidate, stale-while-revalidate=9', lax)).toEqual(NONE)
  })

  it('have no default for a response that was never fresh', () => {
    expect(windows('max-age=0')).toEqual(NONE)
    expect(windows('max-age=0, stale-while-revalidate=5').whileRevalidateMs).toBe(5 * SECOND)
    expect(staleWindows(response({ expires: '0' }), own)).toEqual(NONE)
    expect(staleWindows(response({ 'cache-control': 'max-age=5', age: '5' }), own)).toEqual(NONE)
  })

  it('determine together with the lifetime how long a response is stored', () => {
    const given = response({ 'cache-control': 'max-age=60', age: '10' })
    expect(servingSpans(given, own)).toEqual({ freshMs: 50 * SECOND, staleMs: 70 * SECOND })
    expect(servingSpans(response({}), own)).toEqual({ freshMs: 0, staleMs: 0 })
    const validated = response({ 'cache-control': 'no-cache, max-age=60' })
    expect(servingSpans(validated, own).freshMs).toBe(0)
  })
})

it('lifetimes and ages are finite and not negative, whatever the fields say', () => {
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

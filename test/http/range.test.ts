import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentRange, rangeFor, requestedRange, selectRange } from '../../src/http/answer.ts'
import { DAY, date, get, response } from './messages.ts'

const LENGTH = 10

describe('a range of a body of ten bytes (RFC 9110 14.1.2)', () => {
  it.each([
    ['bytes=0-4', { first: 0, last: 4 }],
    ['bytes=9-9', { first: 9, last: 9 }],
    ['bytes=5-', { first: 5, last: 9 }],
    ['bytes=5-99999999999999999999', { first: 5, last: 9 }],
    ['bytes=-3', { first: 7, last: 9 }],
    ['bytes=-99', { first: 0, last: 9 }],
    ['BYTES=0-0', { first: 0, last: 0 }],
    [' bytes=0-0 ', { first: 0, last: 0 }],
  ])('%j selects %j', (value, range) => {
    expect(selectRange(value, LENGTH)).toEqual(range)
  })

  it.each(['bytes=10-', 'bytes=10-20', 'bytes=-0', `bytes=${'9'.repeat(400)}-`])('%s is unsatisfiable', (value) => {
    expect(selectRange(value, LENGTH)).toBe('unsatisfiable')
  })

  it.each([
    null,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=5-4',
    'bytes=a-b',
    'bytes=1.5-2',
    'bytes=+1-2',
    'bytes= 1-2',
    'bytes=1 - 2',
    'bytes=--1',
    'items=0-1',
    'bytes=0-1,3-4',
    'bytes=0-1, 99-',
    `bytes=${'9'.repeat(400)}-5`,
  ])('%s is ignored, so the answer is the whole body', (value) => {
    expect(selectRange(value, LENGTH)).toBe('whole')
  })

  it('selects nothing in an empty body', () => {
    expect(selectRange('bytes=0-', 0)).toBe('unsatisfiable')
    expect(selectRange('bytes=-5', 0)).toBe('whole')
    expect(selectRange('bytes=-0', 0)).toBe('unsatisfiable')
  })

  it('lies within the body for any text', () => {
    const number = fc.oneof(fc.constant(''), fc.nat().map(String), fc.nat(20).map(String))
    const ranges = fc.oneof(
      fc.string(),
      fc.tuple(number, number).map(([a, b]) => `bytes=${a}-${b}`),
    )
    fc.assert(
      fc.property(ranges, fc.nat(20), (value, length) => {
        const range = selectRange(value, length)
        if (typeof range === 'string') return
        expect(0 <= range.first && range.first <= range.last && range.last < length).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  it('is stated in Content-Range (RFC 9110 14.4)', () => {
    expect(contentRange({ first: 0, last: 4 }, LENGTH)).toBe('bytes 0-4/10')
    expect(contentRange('unsatisfiable', LENGTH)).toBe('bytes */10')
  })
})

describe('a range is applied', () => {
  const range = { range: 'bytes=0-0' }
  const found = { first: 0, last: 0 }

  it('only to a GET with status 200', () => {
    expect(rangeFor(get(range), response({}), LENGTH)).toEqual(found)
    expect(rangeFor({ ...get(range), method: 'HEAD' }, response({}), LENGTH)).toBe('whole')
    expect(rangeFor(get(range), response({}, { status: 404 }), LENGTH)).toBe('whole')
  })

  it.each([
    ['"a"', '"a"', found],
    ['"b"', '"a"', 'whole'],
    ['W/"a"', 'W/"a"', 'whole'],
    ['"a"', 'W/"a"', 'whole'],
    ['a', '"a"', 'whole'],
    ['*', '"a"', 'whole'],
    ['"a", "b"', '"a"', 'whole'],
  ])('with If-Range %s of %s: %j, by strong comparison (RFC 9110 13.1.5)', (ifRange, etag, expected) => {
    expect(rangeFor(get({ ...range, 'if-range': ifRange }), response({ etag }), LENGTH)).toEqual(expected)
  })

  it('with a date in If-Range only if it equals a strong Last-Modified (RFC 9110 8.8.2.2)', () => {
    const at = (ifRange: string, modified: string, dated = date(0)) =>
      rangeFor(get({ ...range, 'if-range': ifRange }), response({ 'last-modified': modified, date: dated }), LENGTH)
    expect(at(date(-DAY), date(-DAY))).toEqual(found)
    expect(at(date(0), date(-DAY))).toBe('whole')
    expect(at(date(-DAY), date(-DAY), date(-DAY))).toBe('whole')
    expect(at('never', 'never')).toBe('whole')
  })
})

describe('the bytes that a request needs', () => {
  it.each([
    ['bytes=0-9', { first: 0, last: 9 }],
    ['Bytes=5-', { first: 5, last: undefined }],
    [' bytes=-5 ', { suffix: 5 }],
    ['bytes=-0', { suffix: 0 }],
    ['bytes=9-0', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['lines=0-9', undefined],
  ])('for range %s are %o', (range, part) => {
    expect(requestedRange(get({ range }))).toEqual(part)
    expect(requestedRange({ ...get({ range }), method: 'HEAD' })).toBeUndefined()
    expect(requestedRange(get({ range, 'if-range': '"1"' }))).toBeUndefined()
  })

  it('are unknown without a range', () => {
    expect(requestedRange(get({}))).toBeUndefined()
  })

  it('contain the range that answers the request, whatever the length', () => {
    const position = fc.option(fc.nat(20), { nil: '' })
    fc.assert(
      fc.property(position, position, fc.nat(15), (from, to, length) => {
        const range = `bytes=${from}-${to}`
        const part = requestedRange(get({ range }))
        const selected = selectRange(range, length)
        if (part === undefined) expect(selected).toBe('whole')
        else if (typeof selected === 'object') {
          expect(selected.first).toBe('suffix' in part ? Math.max(0, length - part.suffix) : part.first)
          expect(selected.last).toBe('suffix' in part ? length - 1 : Math.min(part.last ?? length, length - 1))
        }
      }),
    )
  })
})

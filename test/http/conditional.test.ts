import { describe, expect, it } from 'vitest'
import {
  comparableOf,
  conditionOf,
  isHeldByClient,
  isNotModified,
  notModifiedFields,
} from '../../src/http/conditional.ts'
import type { TimedResponse } from '../../src/http/message.ts'
import { DAY, date, get, HOUR, NOW, response, SECOND } from './messages.ts'

const TAGGED = response({ etag: 'W/"v1"', 'last-modified': date(-DAY) })

function unchanged(fields: Record<string, string>, stored: TimedResponse = TAGGED) {
  const condition = conditionOf(get(fields), NOW)
  return condition && isNotModified(condition, comparableOf(stored))
}

describe('If-None-Match (RFC 9110 13.1.2)', () => {
  it.each(['"v1"', 'W/"v1"', '"v0", W/"v1"', ',"v0",, "v1",', ' * '])(
    '%j matches W/"v1" by weak comparison',
    (value) => {
      expect(unchanged({ 'if-none-match': value })).toBe(true)
    },
  )

  it.each(['"v2"', '"V1"', 'v1', '"v1', '"v1" x', '', '"*"', '*, "v0"'])('%j does not match W/"v1"', (value) => {
    expect(unchanged({ 'if-none-match': value })).toBe(false)
  })

  it('matches a response without an entity tag only by *', () => {
    expect(unchanged({ 'if-none-match': '*' }, response({}))).toBe(true)
    expect(unchanged({ 'if-none-match': '""' }, response({}))).toBe(false)
    expect(unchanged({ 'if-none-match': '"v1"' }, response({ etag: 'v1' }))).toBe(false)
  })

  it('has precedence over If-Modified-Since, even if it is malformed', () => {
    const since = { 'if-modified-since': date(0) }
    expect(unchanged({ ...since, 'if-none-match': '"v2"' })).toBe(false)
    expect(unchanged({ ...since, 'if-none-match': 'v2' })).toBe(false)
    expect(unchanged({ 'if-modified-since': date(-2 * DAY), 'if-none-match': '"v1"' })).toBe(true)
  })
})

describe('If-Modified-Since (RFC 9110 13.1.3)', () => {
  it('compares its date with Last-Modified', () => {
    expect(unchanged({ 'if-modified-since': date(-DAY) })).toBe(true)
    expect(unchanged({ 'if-modified-since': date(-DAY - SECOND) })).toBe(false)
    expect(unchanged({ 'if-modified-since': date(DAY) })).toBe(true)
  })

  it('compares its date with Date if Last-Modified is absent, or with the time of receipt (RFC 9111 4.3.2)', () => {
    const dated = response({ date: date(-HOUR) })
    expect(unchanged({ 'if-modified-since': date(-HOUR) }, dated)).toBe(true)
    expect(unchanged({ 'if-modified-since': date(-HOUR - SECOND) }, dated)).toBe(false)
    expect(unchanged({ 'if-modified-since': date(0) }, response({}))).toBe(true)
    expect(unchanged({ 'if-modified-since': date(-SECOND) }, response({ 'last-modified': 'x' }))).toBe(false)
  })

  it.each(['yesterday', '', `${date(0)}, ${date(0)}`])('is ignored if it is not a date: %j', (value) => {
    expect(conditionOf(get({ 'if-modified-since': value }), NOW)).toBeUndefined()
  })
})

describe('a conditional request', () => {
  it('is recognized only with GET and HEAD', () => {
    const headers = new Headers({ 'if-none-match': '*' })
    expect(conditionOf({ method: 'HEAD', headers }, NOW)).toBeDefined()
    expect(conditionOf({ method: 'POST', headers }, NOW)).toBeUndefined()
  })

  it('leaves If-Match and If-Unmodified-Since to the origin (RFC 9111 4.3.2)', () => {
    expect(conditionOf(get({ 'if-match': '"v2"', 'if-unmodified-since': date(-2 * DAY) }), NOW)).toBeUndefined()
  })

  it('is parsed to plain data, so that a statement can decide before it reads a body', () => {
    const condition = conditionOf(get({ 'if-none-match': 'W/"a", "b"' }), NOW)
    expect(JSON.parse(JSON.stringify(condition))).toEqual({ kind: 'none-match', tags: ['a', 'b'] })
    expect(comparableOf(TAGGED)).toEqual({ tag: 'v1', modifiedAt: NOW - DAY })
  })
})

describe("the client's condition against a response of the origin (RFC 9110 13.2)", () => {
  const held = (asked: Record<string, string>, fields: Record<string, string>, status = 200, method = 'GET') =>
    isHeldByClient({ ...get(asked), method }, response(fields, { status }))

  it.each([200, 206])('holds by the entity tag of a %i', (status) => {
    expect(held({ 'if-none-match': 'W/"v1"' }, { etag: '"v1"' }, status)).toBe(true)
    expect(held({ 'if-none-match': '"v2"' }, { etag: '"v1"' }, status)).toBe(false)
    expect(held({ 'if-none-match': '*' }, {}, status)).toBe(true)
  })

  it('holds by Last-Modified, but not by Date, which is compared only for a stored response', () => {
    expect(held({ 'if-modified-since': date(0) }, { 'last-modified': date(-DAY) })).toBe(true)
    expect(held({ 'if-modified-since': date(-DAY) }, { 'last-modified': date(0) })).toBe(false)
    expect(held({ 'if-modified-since': date(0) }, { date: date(-DAY) })).toBe(false)
  })

  it.each([204, 301, 404, 500])('is not evaluated against a %i', (status) => {
    expect(held({ 'if-none-match': '"v1"' }, { etag: '"v1"' }, status)).toBe(false)
  })

  it('is not evaluated if it is absent, or for another method', () => {
    expect(held({}, { etag: '"v1"' })).toBe(false)
    expect(held({ 'if-none-match': '"v1"' }, { etag: '"v1"' }, 200, 'HEAD')).toBe(true)
    expect(held({ 'if-none-match': '"v1"' }, { etag: '"v1"' }, 200, 'POST')).toBe(false)
  })
})

describe('a 304 (RFC 9110 15.4.5)', () => {
  const guiding = {
    'cache-control': 'max-age=60',
    'content-location': '/a',
    date: date(0),
    etag: '"v1"',
    expires: date(HOUR),
    vary: 'accept',
  }

  it('has the fields that guide caches or do not describe content', () => {
    const fields = { ...guiding, age: '5', 'x-own': '1', 'content-security-policy': "default-src 'self'" }
    expect(Object.fromEntries(notModifiedFields(new Headers(fields)))).toEqual(fields)
  })

  it('has no other field that describes its content', () => {
    const content = {
      'content-type': 'text/html',
      'content-length': '9',
      'content-encoding': 'gzip',
      'content-language': 'en',
    }
    const found = notModifiedFields(new Headers({ ...guiding, ...content, 'last-modified': date(-DAY) }))
    expect(Object.fromEntries(found)).toEqual(guiding)
  })

  it('has Last-Modified if there is no entity tag', () => {
    expect(notModifiedFields(new Headers({ 'last-modified': date(0) })).has('last-modified')).toBe(true)
  })
})

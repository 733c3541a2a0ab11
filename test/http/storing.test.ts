import { describe, expect, it } from 'vitest'
import type { TimedResponse } from '../../src/http/message.ts'
import { createPolicy, type PolicyOptions } from '../../src/http/policy.ts'
import { isComplete, mayStore } from '../../src/http/storing.ts'
import { DAY, date, get, response } from './messages.ts'

const FRESH = { 'cache-control': 'max-age=60' }

function refusal(given: TimedResponse, request = get(), options: PolicyOptions = {}) {
  const decision = mayStore(request, given, createPolicy(options))
  return decision.store ? undefined : decision.reason
}

describe('stores a response (RFC 9111 3)', () => {
  it('with an invalid Content-Range, which has no meaning in a 200 (RFC 9110 14.4)', () => {
    expect(refusal(response({ ...FRESH, 'content-range': 'ABC' }))).toBeUndefined()
  })

  it.each([200, 203, 204, 300, 301, 302, 303, 307, 308, 400, 403, 404, 405, 410, 414, 451, 500, 501, 503, 299, 599])(
    'with status %i and an explicit lifetime',
    (status) => {
      expect(refusal(response(FRESH, { status }))).toBeUndefined()
    },
  )

  it.each([
    ['max-age', { 'cache-control': 'max-age=60' }],
    ['s-maxage', { 'cache-control': 's-maxage=60' }],
    ['Expires', { expires: date(DAY) }],
  ])('if it states its lifetime by %s, whatever its status', (_, fields) => {
    expect(refusal(response(fields, { status: 302 }))).toBeUndefined()
  })

  it.each([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 451, 501])(
    'with status %i and a lifetime that the cache assigns',
    (status) => {
      expect(refusal(response({}, { status }), get(), { defaultLifetime: 60 })).toBeUndefined()
    },
  )

  it('without a lifetime if it is public and has a validator', () => {
    expect(refusal(response({ 'cache-control': 'public', etag: '"a"' }, { status: 202 }))).toBeUndefined()
  })

  it('that must always be validated, if it has a validator', () => {
    expect(refusal(response({ 'cache-control': 'no-cache', etag: '"a"' }))).toBeUndefined()
    expect(refusal(response({ 'cache-control': 'max-age=0', 'last-modified': date(-DAY) }))).toBeUndefined()
  })
})

describe('does not store a response', () => {
  it.each([301, 302, 404])(
    'without a lifetime and with status %i, for which no server evaluates conditions',
    (status) => {
      expect(refusal(response({ 'cache-control': 'public', etag: '"a"' }, { status }))).toBe('not-reusable')
    },
  )

  it('with no-cache and without a validator, whatever its lifetime', () => {
    for (const value of ['no-cache, max-age=60', 'no-cache']) {
      expect(refusal(response({ 'cache-control': value }), get(), { defaultLifetime: 60 })).toBe('not-reusable')
    }
  })

  it.each(['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'QUERY', 'get'])(
    'to a %s, which is not a stored method',
    (method) => {
      expect(refusal(response(FRESH), { ...get(), method })).toBe('method')
    },
  )

  it.each([100, 103, 199, 304, 407, 412, 416, 428, 429, 431, 511, 600, 0, Number.NaN])('with status %s', (status) => {
    expect(refusal(response(FRESH, { status }))).toBe('status')
  })

  it('with a status that the policy excludes', () => {
    expect(refusal(response(FRESH, { status: 404 }), get(), { statuses: [200] })).toBe('status')
    expect(refusal(response(FRESH), get(), { statuses: [200] })).toBeUndefined()
  })

  it('that is partial by its status or its Content-Range (RFC 9111 3.3)', () => {
    expect(refusal(response(FRESH, { status: 206 }))).toBe('partial')
    for (const value of ['bytes 0-1/2', 'bytes 0-1/*', 'items 0-1/2', 'bytes 0-0/2, bytes 1-1/2']) {
      expect(refusal(response({ ...FRESH, 'content-range': value })), value).toBe('partial')
    }
  })

  it('with no-store, in any case and with any other directive (RFC 9111 5.2.2.5)', () => {
    for (const value of ['no-store', 'NO-STORE, max-age=60', 'public, max-age=60, no-store', 'max-age=60; no-store']) {
      expect(refusal(response({ 'cache-control': value })), value).toBe('no-store')
    }
  })

  it('with must-understand and an unknown status (RFC 9111 5.2.2.3)', () => {
    const fields = { 'cache-control': 'max-age=60, must-understand, no-store' }
    expect(refusal(response(fields, { status: 299 }))).toBe('must-understand')
    expect(refusal(response(fields))).toBeUndefined()
  })

  it('that is private (RFC 9111 5.2.2.7)', () => {
    expect(refusal(response({ 'cache-control': 'private, max-age=60' }))).toBe('private')
    expect(refusal(response({ 'cache-control': 'max-age=60, private="x-user"' }))).toBeUndefined()
    expect(refusal(response({ 'cache-control': 'max-age=60, private="x-user", private' }))).toBe('private')
  })

  it.each(['*', 'accept, *', ', *', '*, *', 'accept encoding', '"accept"'])('with Vary: %s (RFC 9111 4.1)', (vary) => {
    expect(refusal(response({ ...FRESH, vary }))).toBe('vary')
  })

  it('without a lifetime if its status has no heuristic one', () => {
    const eager = { defaultLifetime: 60, heuristic: true }
    for (const status of [302, 303, 307, 400, 403, 500, 502, 503, 299]) {
      expect(refusal(response({ etag: '"a"' }, { status }), get(), eager)).toBe('not-cacheable')
    }
  })

  it('that could be neither served nor validated', () => {
    for (const fields of [
      {},
      { 'cache-control': 'max-age=0' },
      { expires: '0' },
      { ...FRESH, age: '60' },
      { etag: 'x' },
    ]) {
      expect(refusal(response(fields)), JSON.stringify(fields)).toBe('not-reusable')
    }
    expect(refusal(response({ 'cache-control': 'max-age=0, stale-while-revalidate=9' }))).toBeUndefined()
  })
})

describe('a request prevents storing its response', () => {
  it('by no-store, even if request directives are ignored (RFC 9111 5.2.1.5)', () => {
    expect(refusal(response(FRESH), get({ 'cache-control': 'no-store' }))).toBe('request-no-store')
  })

  it('by its content, because the key does not include that', () => {
    expect(refusal(response(FRESH), get({ 'content-length': '3' }))).toBe('request-content')
    expect(refusal(response(FRESH), get({ 'transfer-encoding': 'chunked' }))).toBe('request-content')
    expect(refusal(response(FRESH), get({ 'content-length': '0' }))).toBeUndefined()
  })
})

describe('the response to a request with Authorization (RFC 9111 3.5)', () => {
  const login = get({ authorization: 'Bearer x' })

  it.each(['public, max-age=60', 's-maxage=60', 'max-age=60, must-revalidate'])('is stored with %s', (value) => {
    expect(refusal(response({ 'cache-control': value }), login)).toBeUndefined()
  })

  it.each(['max-age=60', 'max-age=60, proxy-revalidate', 'public=x, max-age=60', 's-maxage=x', 'public; max-age=60'])(
    'is not stored with %s',
    (value) => {
      expect(refusal(response({ 'cache-control': value, etag: '"a"' }), login)).toBe('authorization')
    },
  )

  it('is never stored if the policy says so', () => {
    const given = response({ 'cache-control': 'public, max-age=60' })
    expect(refusal(given, login, { authenticated: 'never' })).toBe('authorization')
  })

  it('is stored like any other if the key contains the user', () => {
    expect(refusal(response(FRESH), login, { authenticated: 'keyed' })).toBeUndefined()
    expect(refusal(response({ 'cache-control': 'private' }), login, { authenticated: 'keyed' })).toBe('private')
  })
})

describe('a response with Set-Cookie', () => {
  const given = response({ ...FRESH, 'set-cookie': 'a=b' })

  it('is not stored, unless the policy allows cookies', () => {
    expect(refusal(given)).toBe('set-cookie')
    expect(refusal(given, get(), { storeSetCookie: true })).toBeUndefined()
  })

  it('is stored without the cookie if no-cache or private names the field', () => {
    const left = (value: string) => response({ 'set-cookie': 'a=b', 'cache-control': `max-age=60, ${value}` })
    expect(refusal(left('private="Set-Cookie"'))).toBeUndefined()
    expect(refusal(left('no-cache="set-cookie"'))).toBeUndefined()
    expect(refusal(left('private="set-cookie2"'))).toBe('set-cookie')
  })
})

describe('the completeness of a body (RFC 9111 3.3)', () => {
  it.each([
    [undefined, 5, true, true],
    ['5', 5, true, true],
    ['6', 5, true, false],
    ['4', 5, true, false],
    ['5', 5, false, false],
    ['5, 5', 5, true, false],
    ['x', 5, true, false],
  ])('with Content-Length %s, %i bytes and an orderly end %s: %s', (length, bytes, ended, complete) => {
    const headers = new Headers(length === undefined ? {} : { 'content-length': length })
    expect(isComplete(headers, bytes, ended)).toBe(complete)
  })

  it('depends only on the orderly end if the runtime decoded the body, because Content-Length counts encoded bytes', () => {
    const encoded = new Headers({ 'content-encoding': 'gzip', 'content-length': '7' })
    expect(isComplete(encoded, 10, true)).toBe(false)
    expect(isComplete(encoded, 10, true, { encoded: false })).toBe(true)
    expect(isComplete(encoded, 10, false, { encoded: false })).toBe(false)
    expect(isComplete(new Headers({ 'content-length': '7' }), 10, true, { encoded: false })).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { forwardedFields } from '../../src/http/forwarding.ts'
import { freshenBy304, freshenByHead } from '../../src/http/freshening.ts'
import { currentAgeMs, freshness, remainingMs } from '../../src/http/freshness.ts'
import { createPolicy } from '../../src/http/policy.ts'
import { DAY, date, get, HOUR, MINUTE, NOW, response, SECOND } from './messages.ts'

const policy = createPolicy()
const LATER = { requestAt: NOW + HOUR, responseAt: NOW + HOUR + SECOND, status: 304 }
const STORED = response({
  'cache-control': 'max-age=60',
  'content-type': 'text/html',
  'content-length': '9',
  date: date(0),
  age: '30',
  etag: '"v1"',
  'x-own': 'old',
})

const by304 = (fields: Parameters<typeof response>[0], stored = STORED, request = get(), own = policy) =>
  freshenBy304(request, stored, response(fields, LATER), own)

describe('a request that goes to the handler', () => {
  const conditions = {
    'if-match': '"x"',
    'if-none-match': '"x"',
    'if-modified-since': date(0),
    'if-unmodified-since': date(0),
    'if-range': '"x"',
    range: 'bytes=0-1',
  }
  const rest = { 'cache-control': 'max-age=0', cookie: 'a', accept: '*/*' }

  it('asks for the whole body without conditions, and keeps all other fields (RFC 9111 5.2)', () => {
    expect(Object.fromEntries(forwardedFields(new Headers({ ...conditions, ...rest })))).toEqual(rest)
  })

  it('has both validators of the stored response (RFC 9111 4.3.1)', () => {
    const stored = response({ etag: 'W/"a,b"', 'last-modified': date(-DAY) })
    expect(Object.fromEntries(forwardedFields(new Headers({ ...conditions, ...rest }), stored))).toEqual({
      ...rest,
      'if-none-match': 'W/"a,b"',
      'if-modified-since': date(-DAY),
    })
  })

  it('has no validator of an unsuccessful response, because a 304 would refer to another response (RFC 9110 13.2.1)', () => {
    expect([...forwardedFields(new Headers(), response({ etag: '"a"' }, { status: 404 }))]).toEqual([])
  })

  it('has no malformed validator', () => {
    const found = forwardedFields(new Headers(), response({ etag: 'a', 'last-modified': 'x' }))
    expect([...found]).toEqual([])
    expect([...forwardedFields(new Headers(), response({}))]).toEqual([])
  })

  it('leaves the headers of the client unchanged', () => {
    const headers = new Headers(conditions)
    forwardedFields(headers, STORED)
    expect(Object.fromEntries(headers)).toEqual(conditions)
  })
})

describe('an update of the stored response by a 304 (RFC 9111 3.2 and 4.3.4)', () => {
  it('replaces all lines of each field that the 304 has', () => {
    const found = by304({ etag: '"v1"', 'x-own': 'new', 'x-new': '1', 'cache-control': 'max-age=120' })
    expect(found?.store).toBe('update')
    expect(Object.fromEntries(found?.response.headers ?? [])).toMatchObject({
      'x-own': 'new',
      'x-new': '1',
      'cache-control': 'max-age=120',
    })
  })

  it('keeps the fields that the 304 omits', () => {
    expect(by304({ etag: '"v1"' })?.response.headers.get('x-own')).toBe('old')
  })

  it('never changes fields that describe the stored bytes', () => {
    const content = {
      'content-type': 'text/plain',
      'content-length': '0',
      'content-encoding': 'br',
      'content-range': 'bytes 0-1/2',
    }
    const headers = by304({ etag: '"v1"', ...content })?.response.headers
    expect([headers?.get('content-type'), headers?.get('content-length')]).toEqual(['text/html', '9'])
    expect([headers?.has('content-encoding'), headers?.has('content-range')]).toEqual([false, false])
  })

  it('never adds fields that are not stored', () => {
    const fields = { etag: '"v1"', connection: 'x-hop', 'x-hop': '1', 'proxy-authenticate': 'x', 'set-cookie': 'a=b' }
    const names = [...(by304(fields)?.response.headers.keys() ?? [])]
    for (const name of ['connection', 'x-hop', 'proxy-authenticate', 'set-cookie']) expect(names).not.toContain(name)
    const cookies = by304(
      fields,
      STORED,
      get(),
      createPolicy({ storeSetCookie: true }),
    )?.response.headers.getSetCookie()
    expect(cookies).toEqual(['a=b'])
  })

  it('removes the fields that the directives of the 304 name', () => {
    const found = by304({ etag: '"v1"', 'cache-control': 'max-age=9, private="x-own"', 'x-own': 'new' })
    expect(found?.response.headers.has('x-own')).toBe(false)
  })

  it('makes the response young again, without the old Age and Date', () => {
    const found = by304({ etag: '"v1"' })?.response ?? STORED
    expect(found).toMatchObject({ status: 200, requestAt: LATER.requestAt, responseAt: LATER.responseAt })
    expect(found.headers.get('date')).toBe(date(HOUR + SECOND))
    expect(currentAgeMs(found, LATER.responseAt)).toBe(SECOND)
    expect(remainingMs(found, LATER.responseAt, policy)).toBe(59 * SECOND)
    const aged = by304({ etag: '"v1"', age: '5', date: date(MINUTE) })?.response ?? STORED
    expect([aged.headers.get('age'), aged.headers.get('date')]).toEqual(['5', date(MINUTE)])
  })

  it('ends a soft purge', () => {
    expect(by304({ etag: '"v1"' }, { ...STORED, staleSince: NOW })?.response.staleSince).toBeUndefined()
  })

  it('measures the old Expires from the new Date', () => {
    const stored = response({ etag: '"v1"', expires: date(MINUTE) })
    expect(freshness(by304({ etag: '"v1"' }, stored)?.response ?? stored, policy).lifetimeMs).toBe(0)
  })

  it('leaves the stored response object unchanged', () => {
    by304({ etag: '"v1"', 'x-own': 'new' })
    expect(STORED.headers.get('x-own')).toBe('old')
  })
})

describe('whether a 304 refers to the stored response (RFC 9111 4.3.4)', () => {
  const weak = response({ etag: 'W/"v1"', 'cache-control': 'max-age=60' })
  const dated = response({ 'last-modified': date(-DAY), 'cache-control': 'max-age=60' })

  it.each([
    ['the same strong entity tag', { etag: '"v1"' }, STORED, true],
    ['another strong entity tag', { etag: '"v2"' }, STORED, false],
    ['a strong entity tag for a weak one', { etag: '"v1"' }, weak, false],
    ['the same weak entity tag', { etag: 'W/"v1"' }, weak, true],
    ['another weak entity tag', { etag: 'W/"v2"' }, weak, false],
    ['the weak form of a strong entity tag', { etag: 'W/"v1"' }, STORED, true],
    ['a malformed entity tag', { etag: 'v1' }, STORED, false],
    ['an entity tag for a response without one', { etag: '"v1"' }, dated, false],
    ['the same Last-Modified', { 'last-modified': date(-DAY) }, dated, true],
    ['another Last-Modified', { 'last-modified': date(-HOUR) }, dated, false],
    ['a malformed Last-Modified', { 'last-modified': 'x' }, dated, false],
    ['a malformed Last-Modified for a response without one', { 'last-modified': 'x' }, STORED, false],
    ['no validator', {}, STORED, true],
  ] as const)('is decided by %s: %#', (_, fields, stored, identified) => {
    expect(by304({ ...fields }, stored) !== undefined).toBe(identified)
  })
})

describe('a response updated by a 304', () => {
  it.each(['no-store', 'private', 'max-age=60; no-store'])('is deleted if the update added %s', (value) => {
    expect(by304({ etag: '"v1"', 'cache-control': value })?.store).toBe('delete')
  })

  it('is deleted if the update added Vary: *', () => {
    expect(by304({ etag: '"v1"', vary: '*' })?.store).toBe('delete')
  })

  it('is not stored if the request has no-store', () => {
    expect(by304({ etag: '"v1"' }, STORED, get({ authorization: 'x' }))?.store).toBe('leave')
    expect(by304({ etag: '"v1"' }, STORED, get({ 'cache-control': 'no-store' }))?.store).toBe('leave')
  })

  it('is stored after the validation of a HEAD, too', () => {
    expect(by304({ etag: '"v1"' }, STORED, { ...get(), method: 'HEAD' })?.store).toBe('update')
  })
})

describe('the 200 answer to a HEAD (RFC 9111 4.3.5)', () => {
  const head = (fields: Record<string, string>, stored = STORED, status = 200) =>
    freshenByHead({ ...get(), method: 'HEAD' }, stored, 9, response(fields, { ...LATER, status }), policy)

  it('updates the stored GET if validators and length are equal', () => {
    const found = head({ etag: '"v1"', 'content-length': '9', 'x-own': 'new' })
    expect(found).toMatchObject({ store: 'update', response: { status: 200, responseAt: LATER.responseAt } })
    if (typeof found === 'object') expect(found.response.headers.get('x-own')).toBe('new')
  })

  it('updates the stored GET if it has neither validators nor length', () => {
    expect(head({ 'x-own': 'new' })).toMatchObject({ store: 'update' })
  })

  it.each([
    { etag: '"v2"' },
    { 'last-modified': date(0) },
    { etag: '"v1"', 'content-length': '10' },
    { 'content-length': 'x' },
  ])('makes the stored GET stale if one of them differs: %j', (fields) => {
    expect(head(fields)).toBe('stale')
  })

  it('does not affect the stored GET with any other status', () => {
    expect(head({ etag: '"v2"' }, STORED, 404)).toBe('unrelated')
    expect(head({ etag: '"v2"' }, response({}, { status: 404 }))).toBe('unrelated')
  })
})

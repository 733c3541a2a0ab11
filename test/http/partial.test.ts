import { describe, expect, it } from 'vitest'
import { judge304 } from '../../src/http/judge-304.ts'
import type { RequestHead, TimedResponse } from '../../src/http/message.ts'
import { answerPart, heldRange } from '../../src/http/partial-answer.ts'
import { forwardPart } from '../../src/http/partial-forwarding.ts'
import { parseContentRange } from '../../src/http/partial-ranges.ts'
import { mayStorePart, partToStore, receivedPart, type StoredPart } from '../../src/http/partial-storing.ts'
import { createPolicy, type PolicyOptions } from '../../src/http/policy.ts'
import { reuse } from '../../src/http/serving.ts'
import { DAY, date, get, HOUR, MINUTE, NOW, response, SECOND } from './messages.ts'

const policy = createPolicy()
const ASKED = get({ range: 'bytes=2-4' })
const FIELDS = {
  'cache-control': 'max-age=60',
  'content-length': '3',
  'content-range': 'bytes 2-4/10',
  'content-type': 'text/plain',
  date: date(0),
  etag: '"v1"',
}
const part = (fields: Record<string, string | undefined> = {}, status = 206): TimedResponse => {
  const given = Object.entries({ ...FIELDS, ...fields }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  return response(given, { status })
}
const stored = (ranges: [number, number][] = [[2, 4]], fields: Record<string, string | undefined> = {}): StoredPart =>
  partToStore(part(fields), { ranges, completeLength: 10 }, policy)

describe('Content-Range (RFC 9110 14.4)', () => {
  it.each([
    ['bytes 0-0/1', { first: 0, last: 0, completeLength: 1 }],
    ['BYTES 2-4/10', { first: 2, last: 4, completeLength: 10 }],
    [' bytes 2-4/* ', { first: 2, last: 4, completeLength: undefined }],
    ['bytes 5000000000-5000000001/6000000000', { first: 5e9, last: 5e9 + 1, completeLength: 6e9 }],
  ])('is parsed from %j', (value, expected) => {
    expect(parseContentRange(value)).toEqual(expected)
  })

  it.each([
    null,
    '',
    'bytes */10',
    'bytes 4-2/10',
    'bytes 2-10/10',
    'bytes 2-4/0',
    'bytes 2-4',
    'bytes=2-4/10',
    'bytes  2-4/10',
    'bytes 2 - 4/10',
    'bytes -2-4/10',
    'bytes 2-4/10, bytes 2-4/10',
    'items 2-4/10',
    `bytes 0-1/${'9'.repeat(30)}`,
  ])('is not parsed from %j', (value) => {
    expect(parseContentRange(value)).toBeUndefined()
  })
})

describe('stores a partial response (RFC 9111 3.3)', () => {
  const decide = (given: TimedResponse, request: RequestHead = ASKED, options: PolicyOptions = {}) =>
    mayStorePart(request, given, createPolicy(options))
  const stores = (alone = true) => ({ store: true, alone })
  const refuses = (reason: string) => ({ store: false, reason })

  it('if it is a 206 to a request for one range', () => {
    expect(decide(part())).toEqual(stores())
    expect(decide(part({ 'content-length': undefined }))).toEqual(stores())
    expect(decide(part(), get({ range: 'bytes=-8' }))).toEqual(stores())
  })

  it('if it is an incomplete 200 that states its length', () => {
    const whole = { 'content-range': undefined, 'content-length': '10' }
    expect(decide(part(whole, 200), get())).toEqual(stores())
    expect(decide(part({ ...whole, 'content-length': undefined }, 200), get())).toEqual(refuses('content-range'))
    expect(decide(part({ 'content-length': '10' }, 200), get())).toEqual(refuses('content-range'))
  })

  it('only together with a stored part if a 206 answers If-Range, because that may omit fields (RFC 9110 15.3.7)', () => {
    expect(decide(part(), get({ range: 'bytes=2-4', 'if-range': '"v1"' }))).toEqual(stores(false))
  })

  it('by a strong Last-Modified if there is no entity tag', () => {
    const dated = { etag: undefined, 'last-modified': date(-DAY) }
    expect(decide(part(dated))).toEqual(stores())
    expect(decide(part({ ...dated, 'last-modified': date(0) }))).toEqual(refuses('validator'))
    expect(decide(part({ ...dated, etag: 'W/"v1"' }))).toEqual(refuses('validator'))
  })

  it.each([
    ['ranges', part(), get({ range: 'bytes=2-4,6-7' })],
    ['ranges', part(), get()],
    ['ranges', part(), get({ range: 'items=2-4' })],
    ['multipart', part({ 'content-type': 'multipart/byteranges; boundary=x' }), ASKED],
    ['content-range', part({ 'content-range': undefined }), ASKED],
    ['content-range', part({ 'content-range': 'bytes 2-4/*' }), ASKED],
    ['content-range', part({ 'content-length': '4' }), ASKED],
    ['validator', part({ etag: undefined }), ASKED],
    ['validator', part({ etag: 'v1' }), ASKED],
    ['status', part({}, 404), ASKED],
    ['status', part({}, 304), ASKED],
    ['method', part(), { ...ASKED, method: 'HEAD' }],
    ['request-content', part(), get({ range: 'bytes=2-4', 'content-length': '1' })],
    ['request-no-store', part(), get({ range: 'bytes=2-4', 'cache-control': 'no-store' })],
    ['no-store', part({ 'cache-control': 'no-store' }), ASKED],
    ['private', part({ 'cache-control': 'private' }), ASKED],
    ['set-cookie', part({ 'set-cookie': 'a=b' }), ASKED],
    ['vary', part({ vary: '*' }), ASKED],
    ['authorization', part(), get({ range: 'bytes=2-4', authorization: 'x' })],
  ] as const)('but not with %s: %#', (reason, given, request) => {
    expect(decide(given, request)).toEqual(refuses(reason))
  })

  it('only if the policy stores a 200', () => {
    expect(decide(part(), ASKED, { statuses: [200] })).toEqual(stores())
    expect(decide(part(), ASKED, { statuses: [206] })).toEqual(refuses('status'))
  })

  it('without the fields that describe a single message', () => {
    const digests = { 'content-digest': 'sha-256=:A:', 'content-md5': 'A', 'repr-digest': 'sha-256=:A:' }
    const { response: kept } = partToStore(part(digests), { ranges: [[2, 4]], completeLength: 10 }, policy)
    expect(kept.status).toBe(206)
    expect([...kept.headers.keys()]).toEqual(['cache-control', 'content-type', 'date', 'etag', 'repr-digest'])
  })

  it('as a complete 200 if a single 206 has all bytes, as for `Range: bytes=0-` (RFC 9110 15.3.7.3)', () => {
    const { response: kept } = partToStore(part(), { ranges: [[0, 9]], completeLength: 10 }, policy)
    expect([kept.status, kept.headers.get('content-length'), kept.headers.has('content-range')]).toEqual([
      200,
      '10',
      false,
    ])
  })

  it('as status 206 even if it came with 200: it never answers for the whole', () => {
    expect(partToStore(part({}, 200), { ranges: [[0, 4]], completeLength: 10 }, policy).response.status).toBe(206)
  })
})

describe('receivedPart', () => {
  const whole = part({ 'content-range': undefined, 'content-length': '10' }, 200)
  const received = (first: number, last: number) => ({ ranges: [[first, last]], completeLength: 10 })

  it.each([
    ['a 206', part(), 3, true, received(2, 4)],
    ['a 206 that broke off', part(), 2, false, received(2, 3)],
    ['a 206 that broke off after its last byte', part(), 3, false, received(2, 4)],
    ['a 200 that broke off', whole, 4, false, received(0, 3)],
    ['a 200', whole, 10, true, received(0, 9)],
  ] as const)('returns the bytes of %s', (_, given, bytes, ended, expected) => {
    expect(receivedPart(given, bytes, ended)).toEqual(expected)
  })

  it.each([
    ['a 206 that is shorter than it says', part({ 'content-length': undefined }), 2, true],
    ['a 206 that is longer than it says', part({ 'content-length': undefined }), 4, true],
    ['a 206 that is longer than it says, and broke off', part(), 4, false],
    ['a 200 that is shorter than it says', whole, 9, true],
    ['a 206 that broke off before its first byte', part(), 0, false],
    ['a 200 without a length', part({ 'content-range': undefined, 'content-length': undefined }, 200), 4, false],
    ['a 206 without a complete length', part({ 'content-range': 'bytes 2-4/*' }), 3, true],
  ] as const)('returns undefined for %s', (_, given, bytes, ended) => {
    expect(receivedPart(given, bytes, ended)).toBeUndefined()
  })

  it('returns undefined for decoded bytes, because positions count encoded bytes', () => {
    const encoded = part({ 'content-encoding': 'gzip' })
    expect(receivedPart(encoded, 3, true)).toEqual(received(2, 4))
    expect(receivedPart(encoded, 3, true, { encoded: false })).toBeUndefined()
    expect(receivedPart(part(), 3, true, { encoded: false })).toEqual(received(2, 4))
  })
})

describe('a stored part answers', () => {
  const ranges: [number, number][] = [
    [0, 1],
    [4, 7],
  ]
  const held = (fields: Record<string, string>, method = 'GET') => heldRange({ ...get(fields), method }, stored(ranges))

  it.each([
    ['bytes=0-1', { first: 0, last: 1 }],
    ['bytes=4-7', { first: 4, last: 7 }],
    ['bytes=5-6', { first: 5, last: 6 }],
  ])('%s, which lies within one of its ranges', (range, expected) => {
    expect(held({ range })).toEqual(expected)
  })

  it.each(['bytes=0-2', 'bytes=1-4', 'bytes=3-5', 'bytes=7-', 'bytes=-1', 'bytes=2-3', 'bytes=0-9', 'bytes=10-'])(
    'no request for %s',
    (range) => {
      expect(held({ range })).toBeUndefined()
    },
  )

  it('a suffix range, if it has the last bytes', () => {
    const last = stored([[5, 9]])
    expect(heldRange(get({ range: 'bytes=-5' }), last)).toEqual({ first: 5, last: 9 })
    expect(heldRange(get({ range: 'bytes=6-' }), last)).toEqual({ first: 6, last: 9 })
    expect(heldRange(get({ range: 'bytes=-6' }), last)).toBeUndefined()
  })

  it('no request for the whole body, several ranges, or another method (RFC 9111 3.3)', () => {
    expect(held({})).toBeUndefined()
    expect(held({ range: 'bytes=0-1,4-5' })).toBeUndefined()
    expect(held({ range: 'items=0-1' })).toBeUndefined()
    expect(held({ range: 'bytes=0-1' }, 'HEAD')).toBeUndefined()
    expect(heldRange(get(), stored([[0, 9]]))).toBeUndefined()
  })

  it('only if If-Range holds: otherwise the request is for the whole body (RFC 9110 13.1.5)', () => {
    expect(held({ range: 'bytes=0-1', 'if-range': '"v1"' })).toEqual({ first: 0, last: 1 })
    expect(held({ range: 'bytes=0-1', 'if-range': '"v2"' })).toBeUndefined()
    expect(held({ range: 'bytes=0-1', 'if-range': 'W/"v1"' })).toBeUndefined()
  })

  it('with a 206 whose positions refer to the stored bytes', () => {
    const found = answerPart(get({ range: 'bytes=5-6' }), stored(ranges), { now: NOW + 7 * SECOND })
    expect(found).toMatchObject({ status: 206, body: { first: 3, last: 4 } })
    expect(Object.fromEntries(found?.headers ?? [])).toEqual({
      ...FIELDS,
      age: '7',
      'content-length': '2',
      'content-range': 'bytes 5-6/10',
    })
  })

  it('with a 304 if the client has the representation (RFC 9111 4.3.2)', () => {
    const asked = (range: string) => get({ range, 'if-none-match': 'W/"v1"' })
    expect(answerPart(asked('bytes=0-1'), stored(ranges), { now: NOW })).toMatchObject({ status: 304, body: 'none' })
    expect(answerPart(asked('bytes=0-2'), stored(ranges), { now: NOW })).toBeUndefined()
  })

  it('only while it is fresh', () => {
    const { response: kept } = stored(ranges)
    expect(reuse(ASKED, kept, NOW + 59 * SECOND, policy).use).toBe('fresh')
    expect(reuse(ASKED, kept, NOW + MINUTE, policy).use).toBe('validate')
  })

  it('without changing the stored response', () => {
    const given = stored(ranges)
    const before = [...given.response.headers]
    answerPart(get({ range: 'bytes=5-6' }), given, { now: NOW })
    expect([...given.response.headers]).toEqual(before)
  })
})

describe('a request to the handler for a URL with a stored part', () => {
  const forwarded = (fields: Record<string, string>, given = stored(), method = 'GET') => {
    const { purpose, headers } = forwardPart({ ...get(fields), method }, given)
    return [purpose, Object.fromEntries(headers)]
  }

  it('keeps the Range and If-Range of the client if bytes are missing', () => {
    const fields = { range: 'bytes=3-5', 'if-range': '"v1"', cookie: 'a' }
    expect(forwarded({ ...fields, 'if-none-match': '"v1"' })).toEqual(['range', fields])
    expect(forwarded({ range: 'bytes=0-1,3-4' })).toEqual(['range', { range: 'bytes=0-1,3-4' }])
  })

  it('validates a part that has all bytes', () => {
    const fields = { range: 'bytes=2-3' }
    expect(forwarded({ ...fields, 'if-none-match': '"v0"' })).toEqual([
      'validate',
      { ...fields, 'if-none-match': '"v1"' },
    ])
  })

  it('asks for the bytes again if Last-Modified is the only validator (RFC 9111 4.3.1)', () => {
    const dated = stored([[2, 4]], { etag: undefined, 'last-modified': date(-DAY) })
    expect(forwarded({ range: 'bytes=2-3' }, dated)).toEqual(['range', { range: 'bytes=2-3' }])
  })

  it('asks for the whole body without a validator that a 304 could refer to', () => {
    expect(forwarded({ 'if-none-match': '"v1"' })).toEqual(['whole', {}])
    expect(forwarded({ range: 'bytes=2-3' }, stored(), 'HEAD')).toEqual(['whole', {}])
  })

  it('may get a 304, which updates the part', () => {
    const update = response(
      { etag: '"v1"', 'cache-control': 'max-age=9' },
      { status: 304, requestAt: NOW + HOUR, responseAt: NOW + HOUR },
    )
    const judged = judge304(ASKED, stored().response, update, policy, [])
    expect(judged).toMatchObject({ kind: 'update', response: { status: 206, responseAt: NOW + HOUR } })
    if (judged.kind !== 'update') return
    const updated = { ...stored(), response: judged.response }
    const found = answerPart(ASKED, updated, { now: NOW + HOUR, validated: true })
    expect(found?.headers.get('cache-control')).toBe('max-age=9')
  })
})

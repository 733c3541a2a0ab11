import { describe, expect, it } from 'vitest'
import { type AnswerOptions, answer } from '../../src/http/answer.ts'
import { DAY, date, get, MINUTE, NOW, response } from './messages.ts'

const FIELDS = { 'content-type': 'text/plain', etag: '"v1"', 'cache-control': 'max-age=60', date: date(0) }
const STORED = response(FIELDS)
const CONTEXT = { now: NOW, bodyBytes: 10 }

describe('an answer from the stored response', () => {
  it('has the whole body, and an Age that replaces any stored one (RFC 9111 4)', () => {
    const found = answer(get(), response({ ...FIELDS, age: '7' }), { ...CONTEXT, now: NOW + MINUTE })
    expect(found).toMatchObject({ status: 200, body: 'whole' })
    expect(Object.fromEntries(found.headers)).toEqual({ ...FIELDS, age: '67' })
  })

  it('has no Warning, and no Age if it was validated for this request (RFC 9111 5.1 and 5.5)', () => {
    const { headers } = answer(get(), response(FIELDS), { ...CONTEXT, validated: true, now: NOW + DAY })
    expect([headers.has('age'), headers.has('warning')]).toEqual([false, false])
  })

  it('is a 304 if the condition holds, before any range applies', () => {
    const request = get({ 'if-none-match': '"v1"', range: 'bytes=99-' })
    const found = answer(request, STORED, CONTEXT)
    expect(found).toMatchObject({ status: 304, body: 'none' })
    expect([...found.headers.keys()]).toEqual(['age', 'cache-control', 'date', 'etag'])
  })

  it('is never a 304 if the stored status is not 200 (RFC 9110 13.2.1)', () => {
    const found = answer(get({ 'if-none-match': '"v1"' }), response(FIELDS, { status: 404 }), CONTEXT)
    expect(found).toMatchObject({ status: 404, body: 'whole' })
  })

  it('to a range request is a 206 with its length and all other fields (RFC 9110 15.3.7)', () => {
    const found = answer(get({ range: 'bytes=2-4' }), STORED, CONTEXT)
    expect(found).toMatchObject({ status: 206, body: { first: 2, last: 4 } })
    expect(Object.fromEntries(found.headers)).toEqual({
      ...FIELDS,
      age: '0',
      'content-length': '3',
      'content-range': 'bytes 2-4/10',
    })
  })

  it('to an unsatisfiable range is a 416 that states the complete length, without fields of the body', () => {
    const found = answer(get({ range: 'bytes=10-' }), STORED, CONTEXT)
    expect(found).toMatchObject({ status: 416, body: 'none' })
    expect(Object.fromEntries(found.headers)).toEqual({ age: '0', 'content-range': 'bytes */10', date: date(0) })
  })

  it('is the whole body if If-Range fails', () => {
    expect(answer(get({ range: 'bytes=2-4', 'if-range': '"v0"' }), STORED, CONTEXT).status).toBe(200)
  })

  it('to a HEAD has the fields of the stored GET and its length (RFC 9110 9.3.2)', () => {
    const found = answer({ ...get({ range: 'bytes=0-1' }), method: 'HEAD' }, STORED, CONTEXT)
    expect(found).toMatchObject({ status: 200, body: 'none' })
    expect(Object.fromEntries(found.headers)).toEqual({ ...FIELDS, age: '0', 'content-length': '10' })
  })

  it('to a HEAD has no length if the response has no content', () => {
    const found = answer({ ...get(), method: 'HEAD' }, response({}, { status: 204 }), { now: NOW, bodyBytes: 0 })
    expect(found.headers.has('content-length')).toBe(false)
  })

  it('leaves the stored response unchanged', () => {
    answer(get({ range: 'bytes=2-4' }), STORED, CONTEXT)
    answer(get({ 'if-none-match': '"v1"' }), STORED, CONTEXT)
    expect(Object.fromEntries(STORED.headers)).toEqual(FIELDS)
  })
})

const DIGESTS = {
  'content-digest': 'sha-256=:AAAA:',
  'content-md5': 'AAAA',
  digest: 'sha-256=AAAA',
  'repr-digest': 'sha-256=:AAAA:',
}
const digestsOf = (headers: Headers) => Object.keys(DIGESTS).filter((name) => headers.has(name))

describe('the digest fields of a stored body (RFC 9530)', () => {
  const ask = (fields: Record<string, string>, method = 'GET') =>
    answer({ ...get(fields), method }, response({ ...FIELDS, ...DIGESTS }), CONTEXT)

  it('stay on an answer with the whole body', () => {
    expect(digestsOf(ask({}).headers)).toEqual(Object.keys(DIGESTS))
    expect(digestsOf(ask({}, 'HEAD').headers)).toEqual(Object.keys(DIGESTS))
  })

  it('stay on a partial answer only if they cover the representation, not the content of the message', () => {
    expect(digestsOf(ask({ range: 'bytes=2-4' }).headers)).toEqual(['digest', 'repr-digest'])
  })

  it('are absent from a 304 and a 416', () => {
    expect(digestsOf(ask({ 'if-none-match': '"v1"' }).headers)).toEqual([])
    expect(digestsOf(ask({ range: 'bytes=10-' }).headers)).toEqual([])
  })
})

describe('Content-Length', () => {
  const lengthOf = (given: string, status = 200, bodyBytes = 10) =>
    answer(get(), response({ 'content-length': given }, { status }), { now: NOW, bodyBytes }).headers.get(
      'content-length',
    )

  it.each(['10', '9', '0', 'x', '10, 10'])('with value %s becomes the length of the stored body', (given) => {
    expect(lengthOf(given)).toBe('10')
    expect(lengthOf(given, 404)).toBe('10')
  })

  it('is absent from a 204 (RFC 9110 8.6)', () => {
    expect(lengthOf('0', 204, 0)).toBeNull()
  })

  it('is not added to a response that came without one', () => {
    expect(answer(get(), response({}), CONTEXT).headers.has('content-length')).toBe(false)
  })
})

describe('a body that the runtime has decoded', () => {
  const encoded = { ...FIELDS, ...DIGESTS, 'content-encoding': 'gzip', 'content-length': '7', vary: 'accept-encoding' }
  const ask = (request = get(), more: Partial<AnswerOptions> = {}, fields: Record<string, string> = encoded) =>
    answer(request, response(fields), { ...CONTEXT, encoded: false, ...more })
  const kept = { ...FIELDS, age: '0', etag: 'W/"v1"', vary: 'accept-encoding' }

  it('is sent decoded, without the fields of the encoded bytes', () => {
    const found = ask()
    expect(found).toMatchObject({ status: 200, body: 'whole' })
    expect(Object.fromEntries(found.headers)).toEqual(kept)
  })

  it('keeps its Content-Encoding if the runtime encodes it again', () => {
    const found = ask(get(), { keepEncoding: true })
    expect(Object.fromEntries(found.headers)).toEqual({ ...kept, 'content-encoding': 'gzip' })
  })

  it.each([true, false])('has no ranges, because ranges count encoded bytes (keepEncoding: %s)', (keepEncoding) => {
    for (const range of ['bytes=2-4', 'bytes=99-']) {
      const found = ask(get({ range }), { keepEncoding })
      expect(found).toMatchObject({ status: 200, body: 'whole' })
      expect(found.headers.has('content-range')).toBe(false)
    }
  })

  it.each([true, false])('has no Content-Length in the answer to a HEAD (keepEncoding: %s)', (keepEncoding) => {
    const found = ask({ ...get(), method: 'HEAD' }, { keepEncoding })
    expect(found).toMatchObject({ status: 200, body: 'none' })
    expect(found.headers.has('content-length')).toBe(false)
  })

  it('is validated by its weakened entity tag, and a 304 names the same tag as a 200 (RFC 9110 15.4.5)', () => {
    const found = ask(get({ 'if-none-match': '"v1"' }))
    expect([found.status, found.headers.get('etag')]).toEqual([304, 'W/"v1"'])
  })

  it.each(['W/"v1"', 'v1'])('keeps an entity tag that is not strong: %s', (etag) => {
    expect(ask(get(), {}, { ...encoded, etag }).headers.get('etag')).toBe(etag)
  })

  it('is sent with all its fields if there is no Content-Encoding', () => {
    const { headers, status } = ask(get({ range: 'bytes=2-4' }), {}, FIELDS)
    expect([status, headers.get('etag'), headers.get('content-length')]).toEqual([206, '"v1"', '3'])
  })
})

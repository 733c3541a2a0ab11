import { describe, expect, it } from 'vitest'
import { answer } from '../../src/http/answer.ts'
import { DAY, date, get, MINUTE, NOW, response } from './messages.ts'

const FIELDS = { 'content-type': 'text/plain', etag: '"v1"', 'cache-control': 'max-age=60', date: date(0) }
const STORED = response(FIELDS)
const CONTEXT = { now: NOW, bodyBytes: 10 }

describe('a request answered from the cache', () => {
  it('gets the whole, with its Age in place of any that came with it (RFC 9111 4)', () => {
    const found = answer(get(), response({ ...FIELDS, age: '7' }), { ...CONTEXT, now: NOW + MINUTE })
    expect(found).toMatchObject({ status: 200, body: 'whole' })
    expect(Object.fromEntries(found.headers)).toEqual({ ...FIELDS, age: '67' })
  })

  it('gets no Warning, and no Age if it was validated for this request (RFC 9111 5.1 and 5.5)', () => {
    const { headers } = answer(get(), response(FIELDS), { ...CONTEXT, validated: true, now: NOW + DAY })
    expect([headers.has('age'), headers.has('warning')]).toEqual([false, false])
  })

  it('gets a 304 where its condition says so, and that before any range', () => {
    const request = get({ 'if-none-match': '"v1"', range: 'bytes=99-' })
    const found = answer(request, STORED, CONTEXT)
    expect(found).toMatchObject({ status: 304, body: 'none' })
    expect([...found.headers.keys()]).toEqual(['age', 'cache-control', 'date', 'etag'])
  })

  it('gets no 304 in the place of anything but a 200 (RFC 9110 13.2.1)', () => {
    const found = answer(get({ 'if-none-match': '"v1"' }), response(FIELDS, { status: 404 }), CONTEXT)
    expect(found).toMatchObject({ status: 404, body: 'whole' })
  })

  it('gets a part as 206, with its length and all other fields (RFC 9110 15.3.7)', () => {
    const found = answer(get({ range: 'bytes=2-4' }), STORED, CONTEXT)
    expect(found).toMatchObject({ status: 206, body: { first: 2, last: 4 } })
    expect(Object.fromEntries(found.headers)).toEqual({
      ...FIELDS,
      age: '0',
      'content-length': '3',
      'content-range': 'bytes 2-4/10',
    })
  })

  it('gets a 416 that says how long the whole is, and nothing of what the whole is', () => {
    const found = answer(get({ range: 'bytes=10-' }), STORED, CONTEXT)
    expect(found).toMatchObject({ status: 416, body: 'none' })
    expect(Object.fromEntries(found.headers)).toEqual({ age: '0', 'content-range': 'bytes */10', date: date(0) })
  })

  it('gets the whole where If-Range fails', () => {
    expect(answer(get({ range: 'bytes=2-4', 'if-range': '"v0"' }), STORED, CONTEXT).status).toBe(200)
  })

  it('by HEAD gets the fields of the stored GET and its length (RFC 9110 9.3.2)', () => {
    const found = answer({ ...get({ range: 'bytes=0-1' }), method: 'HEAD' }, STORED, CONTEXT)
    expect(found).toMatchObject({ status: 200, body: 'none' })
    expect(Object.fromEntries(found.headers)).toEqual({ ...FIELDS, age: '0', 'content-length': '10' })
  })

  it('by HEAD gets no length of what has no content', () => {
    const found = answer({ ...get(), method: 'HEAD' }, response({}, { status: 204 }), { now: NOW, bodyBytes: 0 })
    expect(found.headers.has('content-length')).toBe(false)
  })

  it('leaves the stored response as it was', () => {
    answer(get({ range: 'bytes=2-4' }), STORED, CONTEXT)
    answer(get({ 'if-none-match': '"v1"' }), STORED, CONTEXT)
    expect(Object.fromEntries(STORED.headers)).toEqual(FIELDS)
  })
})

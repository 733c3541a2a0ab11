/**
 * Cases about partial content, POST and Vary from the public test suite for HTTP caches
 * (github.com/http-tests/cache-tests), with the messages of the suite. Each test has the name of its case.
 */
import { describe, expect, it } from 'vitest'
import { answer } from '../../src/http/answer.ts'
import { invalidatedUrls } from '../../src/http/invalidation.ts'
import { answerPart } from '../../src/http/partial-answer.ts'
import { forwardPart } from '../../src/http/partial-forwarding.ts'
import { mayStorePart, partToStore, receivedPart } from '../../src/http/partial-storing.ts'
import { createPolicy } from '../../src/http/policy.ts'
import { mayStorePost } from '../../src/http/post.ts'
import { reuse } from '../../src/http/serving.ts'
import { mayStore } from '../../src/http/storing.ts'
import { fieldDigests, variantKey } from '../../src/http/variant-key.ts'
import { DAY, date, get, NOW, response, SECOND } from './messages.ts'

const policy = createPolicy()
const FRESH = { 'cache-control': 'max-age=3600' }
const ASKED = get({ range: 'bytes=-5' })

/** The 206 of a case. The server of the suite sends the length of its whole body. */
const came = (contentRange: string, more: Record<string, string> = {}) =>
  response({ ...FRESH, 'content-range': contentRange, 'content-length': '5', ...more }, { status: 206 })

describe('partial content: a complete response is stored', () => {
  const BODY = '01234567890'
  const stored = response(FRESH)

  it.each([
    ['partial-store-complete-reuse-partial', 'bytes=0-1', BODY, '01'],
    ['partial-store-complete-reuse-partial-no-last', 'bytes=1-', BODY, '1234567890'],
    ['partial-store-complete-reuse-partial-suffix', 'bytes=-1', '0123456789A', 'A'],
  ])('%s: %s', (_, range, body, expected) => {
    expect(mayStore(get(), stored, policy)).toEqual({ store: true })
    const found = answer(get({ range }), stored, { now: NOW, bodyBytes: body.length })
    expect(found.status).toBe(206)
    expect(typeof found.body === 'object' && body.slice(found.body.first, found.body.last + 1)).toBe(expected)
  })

  it.each(['partial-use-headers', 'partial-use-stored-headers'])(
    '%s: the answer has the stored fields, because the request never reaches the origin',
    () => {
      const found = answer(get({ range: 'bytes=0-1' }), response({ ...FRESH, a: '1' }), { now: NOW, bodyBytes: 11 })
      expect([found.status, found.headers.get('a')]).toEqual([206, '1'])
    },
  )

  it('headers-store-Content-Range: a value that names no range does not make a 200 partial', () => {
    const given = response({ ...FRESH, 'content-range': 'ABCDEFGHIJKLMNO' })
    expect(mayStore(get(), given, policy)).toEqual({ store: true })
    expect(answer(get(), given, { now: NOW, bodyBytes: 5 }).headers.get('content-range')).toBe('ABCDEFGHIJKLMNO')
  })
})

describe('partial content: a part is stored', () => {
  /**
   * The suite sends these five bytes as `bytes 4-9/10`, which is six bytes, and not the last five. It expects all
   * readings of that at once.
   */
  it.each([
    ['partial-store-partial-reuse-partial', 'bytes=-5'],
    ['partial-store-partial-reuse-partial-byterange', 'bytes=6-8'],
    ['partial-store-partial-reuse-partial-absent', 'bytes=6-'],
    ['partial-store-partial-reuse-partial-suffix', 'bytes=-1'],
  ])('%s fails: its 206 contradicts itself, so %s goes to the origin', () => {
    for (const given of [came('bytes 4-9/10'), came('bytes 4-9/10', { etag: '"v1"' })]) {
      expect(mayStorePart(ASKED, given, policy)).toEqual({ store: false, reason: 'content-range' })
      expect(receivedPart(given, 5, true)).toBeUndefined()
    }
  })

  it('a part without a validator is not stored, even if it is consistent', () => {
    expect(mayStorePart(ASKED, came('bytes 5-9/10'), policy)).toEqual({ store: false, reason: 'validator' })
  })

  it.each([
    ['partial-store-partial-reuse-partial', 'bytes=-5', '01234'],
    ['partial-store-partial-reuse-partial-byterange', 'bytes=6-8', '123'],
    ['partial-store-partial-reuse-partial-absent', 'bytes=6-', '1234'],
    ['partial-store-partial-reuse-partial-suffix', 'bytes=-1', '4'],
  ])('%s passes with a consistent range and an entity tag: %s', (_, range, expected) => {
    const given = came('bytes 5-9/10', { etag: '"v1"' })
    expect(mayStorePart(ASKED, given, policy)).toEqual({ store: true, alone: true })
    const parts = receivedPart(given, 5, true) ?? { ranges: [], completeLength: 0 }
    const stored = partToStore(given, parts, policy)
    expect(reuse(get({ range }), stored.response, NOW + SECOND, policy).use).toBe('fresh')
    const found = answerPart(get({ range }), stored, { now: NOW + SECOND })
    expect(found?.status).toBe(206)
    expect(typeof found?.body === 'object' && '01234'.slice(found.body.first, found.body.last + 1)).toBe(expected)
  })

  describe('partial-store-partial-complete', () => {
    it('fails unchanged: without a validator, no 206 could complete the part', () => {
      expect(mayStorePart(ASKED, came('bytes 0-4/10'), policy)).toEqual({ store: false, reason: 'validator' })
    })

    it('asks for the whole body even with an entity tag, because a handler may ignore If-Range and cannot run again', () => {
      const given = came('bytes 0-4/10', { etag: '"v1"' })
      const stored = partToStore(given, { ranges: [[0, 4]], completeLength: 10 }, policy)
      const { purpose, headers } = forwardPart(get(), stored)
      expect([purpose, [...headers]]).toEqual(['whole', []])
    })
  })
})

describe('POST', () => {
  const url = new URL('http://localhost:8000/test/a-b-c')
  const post = { method: 'POST', headers: new Headers({ 'content-type': 'text/plain', 'content-length': '5' }) }

  it('method-POST: the answer is stored, and serves a GET', () => {
    const stored = response({ expires: date(30 * DAY), 'content-location': '/test/a-b-c', date: date(0) })
    expect(mayStorePost(post, url, stored, policy)).toEqual({ store: true })
    expect(reuse(get(), stored, NOW + 3 * SECOND, policy).use).toBe('fresh')
  })

  it('invalidate-POST: the answer is not stored, and the URL is invalidated', () => {
    expect(mayStorePost(post, url, response({}), policy)).toEqual({ store: false, reason: 'freshness' })
    expect(invalidatedUrls('POST', url, response({}))).toEqual([url])
  })

  it('invalidate-POST-failed: the URL is not invalidated', () => {
    expect(invalidatedUrls('POST', url, response({}, { status: 500 }))).toEqual([])
  })

  it('invalidate-POST-location and invalidate-POST-cl: the URLs in these fields are invalidated too', () => {
    const location = '/test/a-b-c/location_target'
    const given = response({ location, 'content-location': '/test/a-b-c/content_location_target' })
    expect(invalidatedUrls('POST', url, given).map(({ pathname }) => pathname)).toEqual([
      '/test/a-b-c',
      location,
      '/test/a-b-c/content_location_target',
    ])
    expect(mayStorePost(post, url, given, policy).store).toBe(false)
  })
})

describe('Vary', () => {
  const BASE = 'GET http://localhost:8000/test/a-b-c'
  type Lines = [string, string][]
  const key = (lines: Lines) => {
    const names = [...new Set(lines.map(([name]) => name.toLowerCase()))]
    return variantKey(names, fieldDigests(new Headers(lines), BASE))
  }
  const isWon = (stored: Lines, asked: Lines) => key(stored) === key(asked)

  it('vary-normalise-combine: two lines equal one line with a comma', () => {
    const lines: Lines = [
      ['Foo', '1'],
      ['Foo', '2'],
    ]
    expect(isWon([['Foo', '1, 2']], lines)).toBe(true)
  })

  it('vary-normalise-space: blanks around a comma of an unknown field are ignored', () => {
    expect(isWon([['Foo', '1,2']], [['Foo', ' 1, 2 ']])).toBe(true)
  })

  it.each([
    ['vary-normalise-lang-case', 'eN, De'],
    ['vary-normalise-lang-space', ' en ,   de'],
  ])('%s: %j', (_, asked) => {
    expect(isWon([['Accept-Language', 'en, de']], [['Accept-Language', asked]])).toBe(true)
  })

  it('vary-normalise-lang-order fails: many servers take the first of two languages with equal weights', () => {
    expect(isWon([['Accept-Language', 'en, de']], [['Accept-Language', 'de, en']])).toBe(false)
    expect(isWon([['Accept-Language', 'en, de;q=0.5']], [['Accept-Language', 'de;q=0.5, en']])).toBe(true)
  })
})

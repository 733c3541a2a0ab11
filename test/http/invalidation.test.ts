import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { invalidatedUrls } from '../../src/http/invalidation.ts'
import { createPolicy } from '../../src/http/policy.ts'
import { bypassReason } from '../../src/http/requests.ts'
import { groupTag, invalidatedTags, responseTags } from '../../src/http/tags.ts'
import { get } from './messages.ts'

const TARGET = new URL('https://example.com/posts/1?a=b#c')
const answered = (status: number, fields: Record<string, string> = {}) => ({ status, headers: new Headers(fields) })
const urls = (method: string, status: number, fields?: Record<string, string>) =>
  invalidatedUrls(method, TARGET, answered(status, fields)).map(({ href }) => href)

describe('invalidation (RFC 9111 4.4)', () => {
  it.each(['POST', 'PUT', 'DELETE', 'PATCH', 'BREW', 'get'])('follows a %s that succeeds or redirects', (method) => {
    for (const status of [200, 201, 204, 299, 301, 303, 399]) {
      expect(urls(method, status), String(status)).toEqual(['https://example.com/posts/1?a=b'])
    }
  })

  it.each([100, 400, 404, 500, 503])('does not follow an error: %i', (status) => {
    expect(urls('POST', status, { location: '/a' })).toEqual([])
  })

  it.each(['GET', 'HEAD', 'OPTIONS', 'TRACE'])('does not follow a %s, because that is safe', (method) => {
    expect(urls(method, 200, { location: '/a' })).toEqual([])
  })

  it('covers Location and Content-Location, resolved, each once', () => {
    expect(urls('POST', 201, { location: '../posts', 'content-location': 'https://example.com/posts#x' })).toEqual([
      'https://example.com/posts/1?a=b',
      'https://example.com/posts',
    ])
  })

  it.each([
    'https://other.example/',
    'http://example.com/',
    'https://example.com:8443/',
    '//other.example/',
    'data:,x',
  ])('never covers another origin: %s', (location) => {
    expect(urls('POST', 201, { location, 'content-location': location })).toEqual(['https://example.com/posts/1?a=b'])
  })

  it('ignores text that is not a URL, and never throws', () => {
    expect(urls('POST', 201, { location: 'http://[' })).toEqual(['https://example.com/posts/1?a=b'])
    fc.assert(
      fc.property(fc.stringMatching(/^[ -~]*$/), (location) => {
        const found = invalidatedUrls('POST', TARGET, answered(201, { location }))
        expect(found.every(({ origin, hash }) => origin === TARGET.origin && hash === '')).toBe(true)
      }),
    )
  })
})

describe('a request bypasses the cache', () => {
  it('with a method other than GET and HEAD (RFC 9111 4)', () => {
    const policy = createPolicy()
    const reasons = ['GET', 'HEAD', 'POST', 'get', 'QUERY'].map((method) => bypassReason({ ...get(), method }, policy))
    expect(reasons).toEqual([undefined, undefined, 'method', 'method', 'method'])
  })

  it('with Authorization, if the policy says so', () => {
    const request = get({ authorization: 'x' })
    expect(bypassReason(request, createPolicy({ authenticated: 'never' }))).toBe('bypass')
    expect(bypassReason(request, createPolicy())).toBeUndefined()
  })
})

describe('the tags of a response', () => {
  it('come from Cache-Tag, each once', () => {
    expect(responseTags(TARGET, new Headers({ 'cache-tag': 'a, b,,a , c d' }))).toEqual(['a', 'b', 'c d'])
    expect(responseTags(TARGET, new Headers())).toEqual([])
  })

  it('include its Cache-Groups within its origin (RFC 9875 2)', () => {
    const headers = new Headers({ 'cache-groups': '"scripts", "ExampleJS";x=y, token, 5' })
    expect(responseTags(TARGET, headers)).toEqual([
      groupTag('https://example.com', 'scripts'),
      groupTag('https://example.com', 'ExampleJS'),
    ])
    expect(groupTag('https://a.example', 'b')).not.toBe(groupTag('https://b.example', 'b'))
  })

  it('do not come from a malformed Cache-Groups', () => {
    expect(responseTags(TARGET, new Headers({ 'cache-groups': '"a", b c' }))).toEqual([])
  })

  it('may be more than a hundred', () => {
    const groups = Array.from({ length: 200 }, (_, i) => `"group ${i}"`).join(', ')
    expect(responseTags(TARGET, new Headers({ 'cache-groups': groups }))).toHaveLength(200)
  })
})

describe('Cache-Group-Invalidation (RFC 9875 3)', () => {
  const fields = { 'cache-group-invalidation': '"a", "b"' }

  it('names the groups that an unsafe request invalidates', () => {
    expect(invalidatedTags('POST', TARGET, answered(200, fields))).toEqual([
      groupTag('https://example.com', 'a'),
      groupTag('https://example.com', 'b'),
    ])
  })

  it('is ignored in the response to a safe method, and in errors', () => {
    expect(invalidatedTags('GET', TARGET, answered(200, fields))).toEqual([])
    expect(invalidatedTags('POST', TARGET, answered(500, fields))).toEqual([])
  })
})

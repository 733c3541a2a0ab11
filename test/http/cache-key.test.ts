import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cacheKey, type QueryRule } from '../../src/http/cache-key.ts'

const key = (href: string, query?: QueryRule, method = 'GET') => cacheKey(method, new URL(href), { query })

describe('the primary key (RFC 9111 2)', () => {
  it('is the method and the URL, readable, without its fragment', () => {
    expect(key('https://Example.com:443/a/../b?x=1&y=2#z')).toBe('GET https://example.com/b?x=1&y=2')
  })

  it.each([
    ['https://example.com/', 'http://example.com/'],
    ['https://example.com/', 'https://example.org/'],
    ['https://example.com/', 'https://example.com:8443/'],
    ['https://example.com/a', 'https://example.com/A'],
    ['https://example.com/a', 'https://example.com/a/'],
    ['https://example.com/a', 'https://example.com/a?'],
    ['https://example.com/a%2Fb', 'https://example.com/a/b'],
    ['https://example.com/?a=1&b=2', 'https://example.com/?b=2&a=1'],
    ['https://example.com/?a', 'https://example.com/?a='],
    ['https://example.com/?a=%20', 'https://example.com/?a=+'],
  ])('tells %s from %s', (a, b) => {
    expect(key(a)).not.toBe(key(b))
  })

  it('of HEAD is that of GET, and no other method shares it', () => {
    const url = 'https://example.com/'
    expect(key(url, undefined, 'HEAD')).toBe(key(url))
    expect(key(url, undefined, 'QUERY')).not.toBe(key(url))
  })

  it('cannot be forged from within a URL', () => {
    const parts = { parts: ['u'] }
    const forged = new URL(
      `https://example.com/a ${cacheKey('GET', new URL('https://example.com/a'), parts).split(' ')[2]}`,
    )
    expect(cacheKey('GET', forged)).not.toBe(cacheKey('GET', new URL('https://example.com/a'), parts))
  })

  it('shows nothing of further parts and of credentials, and tells them apart', () => {
    const url = new URL('https://example.com/')
    const keys = [['alice'], ['bob'], ['alice', 'bob'], ['alice bob'], []].map((parts) =>
      cacheKey('GET', url, { parts }),
    )
    expect(new Set(keys).size).toBe(5)
    expect(keys.join()).not.toMatch(/alice|bob/)
    expect(key('https://user:pass@example.com/')).not.toMatch(/user|pass/)
    expect(key('https://user:pass@example.com/')).not.toBe(key('https://example.com/'))
  })
})

describe('the query in the key', () => {
  it('may be ordered by names; values of one name keep their order', () => {
    const rule = { sort: true }
    expect(key('https://e.com/?b=1&a=2&b=0', rule)).toBe('GET https://e.com/?a=2&b=1&b=0')
    expect(key('https://e.com/?b=0&a=2&b=1', rule)).toBe('GET https://e.com/?a=2&b=0&b=1')
  })

  it('may be only what is allowed', () => {
    expect(key('https://e.com/?utm=1&page=2&q=x', { allow: ['q', 'page'] })).toBe('GET https://e.com/?page=2&q=x')
    expect(key('https://e.com/?utm=1', { allow: ['q'] })).toBe('GET https://e.com/')
  })

  it('may be without what is ignored, by name or by prefix, however it is encoded', () => {
    const rule = { ignore: ['utm_*', 'fbclid'] }
    expect(key('https://e.com/?utm_source=1&b=2&fbclid=3&a=1&ut%6d_x', rule)).toBe('GET https://e.com/?a=1&b=2')
    expect(key('https://e.com/?fbclid2=3', rule)).toBe('GET https://e.com/?fbclid2=3')
  })

  it('keeps its order if the rule says so', () => {
    expect(key('https://e.com/?b=1&x=1&a=2', { ignore: ['x'], sort: false })).toBe('GET https://e.com/?b=1&a=2')
  })

  it('is read without a throw where its encoding is broken', () => {
    expect(key('https://e.com/?%E0%A4=1&b=2', { ignore: ['b'] })).toBe('GET https://e.com/?%E0%A4=1')
  })

  it('is the same only for the same parameters, whatever their order', () => {
    const parameter = fc.tuple(fc.constantFrom('a', 'b', '%61', 'x y', 'é'), fc.constantFrom('', '1', '&', '=', '#'))
    const query = fc.array(parameter, { maxLength: 4 })
    const href = (list: [string, string][]) =>
      `https://e.com/?${list.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join('&')}`
    const byName = (list: [string, string][]) =>
      JSON.stringify(
        list
          .map(([name, value], i) => [name, i, value] as const)
          .sort(([a, i], [b, j]) => (a < b ? -1 : a > b ? 1 : i - j))
          .map(([name, , value]) => [name, value]),
      )
    fc.assert(
      fc.property(query, query, (a, b) => {
        expect(key(href(a), { sort: true }) === key(href(b), { sort: true })).toBe(byName(a) === byName(b))
      }),
      { numRuns: 1_000 },
    )
  })
})

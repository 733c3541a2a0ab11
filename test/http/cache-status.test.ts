import fc from 'fast-check'
import { parseList } from 'structured-headers'
import { describe, expect, it } from 'vitest'
import { type CacheStatus, formatCacheStatus, forwardReason } from '../../src/http/cache-status.ts'

const status = (given: CacheStatus, upstream: string | null = null, name = 'pgstash') =>
  formatCacheStatus(upstream, name, given)

describe('Cache-Status (RFC 9211)', () => {
  it.each([
    [{ hit: true }, 'pgstash;hit'],
    [{ hit: true, ttlMs: 376_999 }, 'pgstash;hit;ttl=376'],
    [{ hit: true, ttlMs: -412_000, key: 'GET https://e.com/' }, 'pgstash;hit;ttl=-412;key="GET https://e.com/"'],
    [{ hit: true, ttlMs: Number.NaN, key: undefined }, 'pgstash;hit'],
    [{ fwd: 'uri-miss', stored: true, collapsed: true }, 'pgstash;fwd=uri-miss;stored;collapsed'],
    [{ fwd: 'uri-miss', stored: false }, 'pgstash;fwd=uri-miss'],
    [{ fwd: 'stale', fwdStatus: 304, stored: true }, 'pgstash;fwd=stale;fwd-status=304;stored'],
    [{ fwd: 'bypass', detail: 'set-cookie' }, 'pgstash;fwd=bypass;detail="set-cookie"'],
  ] satisfies [CacheStatus, string][])('for %j is %s', (given, expected) => {
    expect(status(given)).toBe(expected)
  })

  it('follows the members of caches closer to the origin (2)', () => {
    expect(status({ hit: true }, 'Origin;hit, "CDN \\"A\\"";fwd=miss;ttl=5')).toBe(
      'Origin;hit, "CDN \\"A\\"";fwd=miss;ttl=5, pgstash;hit',
    )
  })

  it('replaces an upstream value that does not parse, because that would hide it', () => {
    expect(status({ hit: true }, 'a b c;;')).toBe('pgstash;hit')
    expect(status({ hit: true }, '')).toBe('pgstash;hit')
  })

  it('names the cache by a string if its name is not a token', () => {
    expect(status({ hit: true }, null, 'my cache')).toBe('"my cache";hit')
    expect(status({ hit: true }, null, '9')).toBe('"9";hit')
  })

  it('contains no line break or other character that a header must not have', () => {
    expect(status({ hit: true, key: 'a\r\nset-cookie: x"\\é\ud800' })).toBe(
      'pgstash;hit;key="a%0D%0Aset-cookie: x\\"\\\\%C3%A9%EF%BF%BD"',
    )
  })

  it('is a parsable list and a valid header for any input', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(fc.option(text), text, fc.double(), text, text, (upstream, name, ttlMs, key, detail) => {
        const value = formatCacheStatus(upstream, name, { hit: true, ttlMs, key, detail })
        expect(new Headers({ 'cache-status': value }).get('cache-status')).toBe(value)
        expect(parseList(value).at(-1)?.[1].get('hit')).toBe(true)
      }),
    )
  })
})

describe('the reason why a request goes to the handler (RFC 9211 2.2)', () => {
  const judged = (fwd: 'stale' | 'request' | undefined) => ({ use: 'validate', fwd, ttlMs: 0 }) as const

  it.each([
    ['uri-miss', { found: undefined, names: undefined }, undefined],
    ['miss', { found: undefined, names: [] }, undefined],
    ['vary-miss', { found: undefined, names: ['accept'] }, undefined],
    ['stale', { found: 'whole', names: [] }, judged('stale')],
    ['stale', { found: 'part', names: [] }, judged('stale')],
    ['request', { found: 'whole', names: [] }, judged('request')],
    ['stale', { found: 'whole', names: [] }, undefined],
    ['partial', { found: 'part', names: [] }, undefined],
  ] as const)('is %s after %j', (reason, lookup, reuse) => {
    expect(forwardReason(lookup, reuse)).toBe(reason)
  })
})

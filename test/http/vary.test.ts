import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createPolicy } from '../../src/http/policy.ts'
import { fieldDigests, normalizeField, variantKey } from '../../src/http/variant-key.ts'
import { joinVary, MAX_VARY_FIELDS, varyNames, varyRecordOf } from '../../src/http/vary.ts'

const policy = createPolicy()
const BASE = 'GET https://example.com/'
const vary = (value: string) => varyNames(new Headers({ vary: value }), policy)
type Fields = Record<string, string> | [string, string][]
// As pairs, because undici's Headers loses a `__proto__` in a record.
const pairs = (fields: Fields) => (Array.isArray(fields) ? fields : Object.entries(fields))
const key = (names: string[], fields: Fields, base = BASE) =>
  variantKey(names, fieldDigests(new Headers(pairs(fields)), base))

describe('Vary (RFC 9110 12.5.5)', () => {
  it('is parsed in any case and order, over several lines', () => {
    const lines: [string, string][] = [
      ['vary', 'Accept-Encoding,, X-A'],
      ['vary', 'accept-encoding'],
    ]
    expect(varyNames(new Headers(lines), policy)).toEqual(['accept-encoding', 'x-a'])
    expect(varyNames(new Headers(), policy)).toEqual([])
    expect(vary('')).toEqual([])
  })

  it.each(['*', '*, *', ', *', 'Foo, *', '*, Foo', 'Foo Bar', 'Foo;q=1', '"Foo"'])(
    'with value %j matches no request',
    (value) => {
      expect(vary(value)).toBe('*')
    },
  )

  it('is extended by the fields of the policy', () => {
    const own = createPolicy({ vary: ['X-Country'] })
    expect(varyNames(new Headers({ vary: 'accept' }), own)).toEqual(['accept', 'x-country'])
    expect(varyNames(new Headers({ vary: '*' }), own)).toBe('*')
  })

  it('for a URL is the union of the names in its responses, up to a bound', () => {
    expect(joinVary(['a', 'c'], ['b', 'c'])).toEqual(['a', 'b', 'c'])
    expect(joinVary(['a'], [])).toEqual(['a'])
    expect(joinVary(['a'], '*')).toBe('*')
    const many = Array.from({ length: MAX_VARY_FIELDS }, (_, i) => `x-${i}`)
    expect(joinVary([], many)).toHaveLength(MAX_VARY_FIELDS)
    expect(joinVary(many, ['y'])).toBe('*')
  })
})

describe('the recorded field names of a URL', () => {
  const many = (prefix: string) => Array.from({ length: MAX_VARY_FIELDS }, (_, i) => `${prefix}-${i}`).sort()
  const record = (seen: string[] | undefined, fields: Record<string, string>) =>
    varyRecordOf(seen, new Headers(fields), policy)

  it('grow by the fields of each response', () => {
    expect(record(undefined, {})).toEqual({ names: [], forgets: false })
    expect(record(['x-b'], { vary: 'X-A' })).toEqual({ names: ['x-a', 'x-b'], forgets: false })
    expect(record(['x-b'], {})).toEqual({ names: ['x-b'], forgets: false })
  })

  it('include Accept-Encoding for an encoded response whose Vary omits it', () => {
    expect(record(undefined, { 'content-encoding': 'br' })).toEqual({ names: ['accept-encoding'], forgets: false })
  })

  it('drop earlier names if all together are too many', () => {
    expect(record(many('x'), { vary: 'y' })).toEqual({ names: ['y'], forgets: true })
    expect(record(many('x'), { 'content-encoding': 'br' })).toEqual({ names: ['accept-encoding'], forgets: true })
  })

  it('are not recorded for a response that no request could select', () => {
    expect(record([], { vary: '*' })).toBeUndefined()
    expect(record([], { vary: [...many('x'), 'y'].join() })).toBeUndefined()
  })
})

describe('request fields (RFC 9111 4.1)', () => {
  it.each([
    ['accept-encoding', 'gzip, br', 'BR ,gzip'],
    ['accept-encoding', 'gzip;q=1.0, br;q=0.50', 'gzip, br ; q=0.5'],
    ['accept-encoding', 'x-gzip', 'gzip'],
    ['accept-encoding', '', ' , '],
    ['accept-language', 'en-US, de;q=0.8', 'EN-us,de;Q=0.80'],
    ['accept-charset', 'UTF-8', 'utf-8'],
    ['accept', 'text/html , application/json ; q=0.5', 'text/html,application/json;q=0.5'],
    ['accept-language', 'fr;q=0.5, de', 'de;q=1.0,FR;q=0.50'],
    ['accept-language', 'en;q=0.5, de, fr;q=0.5, it', 'de, it, en;q=0.5, fr;q=0.5'],
    ['x-own', ' a ', 'a'],
    ['x-own', 'a,b', ' a\t,  b '],
    ['x-own', 'a,,b', 'a, ,b'],
  ])('match for %s: %j and %j', (name, a, b) => {
    expect(normalizeField(name, a)).toBe(normalizeField(name, b))
  })

  it.each([
    ['accept-encoding', 'gzip', 'br'],
    ['accept-encoding', 'gzip', 'gzip;q=0'],
    ['accept-encoding', 'gzip;q=1, gzip;q=0', 'gzip;q=0, gzip;q=1'],
    ['accept-encoding', 'gzip;q=2', 'gzip'],
    ['accept-encoding', '__proto__', 'constructor'],
    ['accept-language', 'en, de', 'de, en'],
    ['accept', 'text/html;level=A', 'text/html;level=a'],
    ['accept', 'a;x="b , c"', 'a;x="b, c"'],
    ['accept', 'a;x="b ; c"', 'a;x="b;c"'],
    ['accept-language', 'en, en;q=0.5', 'en;q=0.5, en'],
    ['accept-language', 'x-gzip', 'gzip'],
    ['x-own', 'a b', 'ab'],
    ['x-own', 'a,b', 'b,a'],
    ['x-own', 'a,,b', 'a,b'],
    ['x-own', 'A', 'a'],
    ['x-own', '"a,b"', '"a, b"'],
    ['x-own', 'a\\,b', 'a\\, b'],
    ['x-own', 'a; b', 'a;b'],
    ['cookie', 'a=1; b=2', 'b=2; a=1'],
    ['cookie', 'a=1,2', 'a=1, 2'],
    ['authorization', 'Digest a,b', 'Digest a, b'],
    ['user-agent', 'a (b, c)', 'a (b,c)'],
  ])('do not match for %s: %j and %j', (name, a, b) => {
    expect(normalizeField(name, a)).not.toBe(normalizeField(name, b))
  })

  it('keeps every weight with its language, in descending order', () => {
    const language = fc.uniqueArray(fc.constantFrom('en', 'de', 'fr', 'it', '*'), { minLength: 1 })
    const weight = fc.constantFrom(0, 0.1, 0.5, 0.999, 1)
    const list = language.chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), weight))))
    fc.assert(
      fc.property(list, (members) => {
        const value = members.map(([name, q]) => `${name};q=${q}`).join()
        const found = normalizeField('accept-language', value)
        const parsed = found.split(',').map((member) => {
          const [name = '', q] = member.split(';q=')
          return [name, q === undefined ? 1 : Number(q)] as const
        })
        expect(new Map(parsed)).toEqual(new Map(members))
        const weights = parsed.map(([, q]) => q)
        expect(weights).toEqual([...weights].sort((a, b) => b - a))
      }),
    )
  })

  it('takes linear time', () => {
    const start = performance.now()
    for (const text of [' ', ';', ',', '"', ' ;', 'a ', '\\"'])
      for (const name of ['accept', 'accept-encoding', 'accept-language', 'x-own'])
        normalizeField(name, `a${text.repeat(50_000)}b`)
    expect(performance.now() - start).toBeLessThan(10_000)
  })
})

describe('the key of a variant', () => {
  it('is empty if the response does not vary', () => {
    expect(key([], { cookie: 'a' })).toBe('')
  })

  it('depends on the named fields, and on no others', () => {
    expect(key(['x-a'], { 'x-a': '1', 'x-b': '2' })).toBe(key(['x-a'], { 'x-a': '1', 'x-b': '3' }))
    expect(key(['x-a'], { 'x-a': '1' })).not.toBe(key(['x-a'], { 'x-a': '2' }))
  })

  it('is the same for several lines and for the combined line', () => {
    const lines: Fields = [
      ['x-a', '1'],
      ['x-a', '2'],
    ]
    expect(key(['x-a'], lines)).toBe(key(['x-a'], { 'x-a': '1, 2' }))
  })

  it('differs for an absent and an empty field', () => {
    expect(key(['x-a'], {})).not.toBe(key(['x-a'], { 'x-a': '' }))
    expect(key(['accept-encoding'], {})).not.toBe(key(['accept-encoding'], { 'accept-encoding': '' }))
  })

  it('differs by the names themselves, so that a longer list never matches a shorter one', () => {
    expect(key(['x-a'], {})).not.toBe(key(['x-b'], {}))
    expect(key(['x-a'], { 'x-a': '1' })).not.toBe(key(['x-a', 'x-b'], { 'x-a': '1' }))
  })

  it('is bounded, and shows no part of a cookie or credential', () => {
    const secret = 's3cr3t'.repeat(1_000)
    const found = key(['authorization', 'cookie'], { cookie: secret, authorization: secret })
    expect(found).toMatch(/^[0-9a-f]{64}$/)
    const digests = fieldDigests(new Headers({ cookie: 's3cr3t' }), BASE)
    expect(JSON.stringify([...digests])).not.toContain('s3cr3t')
  })

  it('differs from URL to URL for the same fields', () => {
    expect(key(['cookie'], { cookie: 'a' })).not.toBe(key(['cookie'], { cookie: 'a' }, 'GET https://example.com/b'))
  })

  it('handles field names like those of Object.prototype', () => {
    for (const name of ['__proto__', 'constructor', 'hasownproperty']) {
      expect(key([name], { [name]: '1' }), name).not.toBe(key([name], { [name]: '2' }))
      expect(key([name], { [name]: '1' }), name).not.toBe(key([name], {}))
      const digests = fieldDigests(new Headers([[name, '1']]), BASE)
      expect(JSON.parse(JSON.stringify(Object.fromEntries(digests)))).toHaveProperty([name])
    }
  })

  it('is injective: equal only for equal names and equal values', () => {
    const name = fc.constantFrom('accept', 'accept-encoding', 'accept-language', 'cookie', 'x-a', '__proto__')
    const value = fc.oneof(
      fc.stringMatching(/^[!-~]([ -~]{0,6}[!-~])?$/),
      fc.constantFrom('', '-', ':', 'x-a:-', 'gzip, br', 'br,gzip'),
    )
    const fields = fc.uniqueArray(fc.tuple(name, value), { selector: ([first]) => first })
    const names = fc.uniqueArray(name).map((list) => list.sort())
    fc.assert(
      fc.property(names, names, fields, fields, (namesA, namesB, a, b) => {
        const [headersA, headersB] = [new Headers(a), new Headers(b)]
        const meant = (list: string[], headers: Headers) =>
          JSON.stringify(list.map((one) => [one, headers.has(one) && normalizeField(one, headers.get(one) ?? '')]))
        expect(key(namesA, a) === key(namesB, b)).toBe(meant(namesA, headersA) === meant(namesB, headersB))
      }),
      { numRuns: 1_000 },
    )
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDirectives, requestDirectives, responseDirectives } from '../../src/http/cache-control.ts'

const read = (value: string) => responseDirectives(parseDirectives(value))
const ask = (fields: Record<string, string>) => requestDirectives(new Headers(fields))

describe('Cache-Control of a response', () => {
  it('matches directive names in any case', () => {
    expect(read('No-Store, MAX-AGE=5, Public')).toMatchObject({ noStore: true, maxAge: 5, public: true })
  })

  it('accepts arguments as tokens and as quoted strings', () => {
    expect(read('max-age="5", private=set-cookie')).toMatchObject({ maxAge: 5, private: ['set-cookie'] })
    expect(read('no-cache="X-A, \\x-b"')).toMatchObject({ noCache: ['x-a', 'x-b'] })
  })

  it('finds no directives within quoted strings', () => {
    expect(read('extension="max-age=3600, no-store", max-age=1')).toMatchObject({ maxAge: 1, noStore: false })
  })

  it('ignores unknown directives', () => {
    expect(read('community="UCI", max-age=5, foo')).toEqual(read('max-age=5'))
  })

  it.each([
    ['max-age', 'maxAge'],
    ['s-maxage', 'sMaxAge'],
    ['stale-while-revalidate', 'staleWhileRevalidate'],
    ['stale-if-error', 'staleIfError'],
  ] as const)('reads a %s with an invalid argument as zero', (name, key) => {
    for (const argument of ['', '=x', '=-1', '=1.5', '=1a', "='1'", '="1 "', '=""']) {
      expect(read(name + argument)[key], argument).toBe(0)
    }
  })

  it('reads an invalid lifetime as already stale, not as absent', () => {
    for (const value of ['max-age', 'max-age=x', 'max-age =5', 'max-age=5; public', 'max-age=1.0']) {
      expect(read(value).maxAge, value).toBe(0)
    }
  })

  it('reads a repeated lifetime as stale, unless both values are equal', () => {
    expect(read('max-age=1800, max-age=1').maxAge).toBe(0)
    expect(read('max-age=1, max-age=1800').maxAge).toBe(0)
    expect(read('max-age=60, max-age=060').maxAge).toBe(60)
  })

  it.each(['private', 'no-cache'] as const)('applies %s to the whole response in every ambiguous form', (name) => {
    const key = name === 'private' ? 'private' : 'noCache'
    const forms = [
      '',
      '=""',
      '="',
      '=", "',
      '="a b"',
      '="x',
      '="x"y',
      ', X',
      '="x", NAME',
      '="vary"',
      '="x, Cache-Control"',
    ]
    for (const form of forms) {
      const value = `${name}${form}`.replace('X', `${name}="x"`).replace('NAME', name)
      expect(read(value)[key], value).toBe(true)
    }
  })

  it('joins the field names of several qualified directives', () => {
    expect(read('private="a, b", private=C').private).toEqual(['a', 'b', 'c'])
  })

  it('finds restrictions in malformed members', () => {
    expect(read('max-age=60; no-store')).toMatchObject({ noStore: true, maxAge: 0 })
    expect(read('private;max-age=60')).toMatchObject({ private: true })
    expect(read('a="b, no-store, c="d')).toMatchObject({ noStore: true })
    expect(read('"no-cache, must-revalidate')).toMatchObject({ noCache: true, mustRevalidate: true })
  })

  it('finds no permissions in malformed members', () => {
    expect(read('public; foo, must-understand; x, immutable"')).toMatchObject({
      public: false,
      mustUnderstand: false,
      immutable: false,
      allowsAuthenticated: false,
    })
    expect(read('public=1').public).toBe(false)
  })

  it('keeps no-store although must-understand has an argument', () => {
    expect(read('must-understand=1')).toMatchObject({ noStore: true, mustUnderstand: false })
  })

  it.each([
    ['public', true],
    ['must-revalidate', true],
    ['s-maxage=0', true],
    ['s-maxage=x', false],
    ['must-revalidate=1', false],
    ['proxy-revalidate', false],
    ['max-age=60', false],
  ])('%s allows a shared cache to store a response to an authenticated request: %s', (value, allowed) => {
    expect(read(value).allowsAuthenticated).toBe(allowed)
  })

  it('never throws, and always obeys a no-store in any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (before, after) => {
        const found = read(`${before.replaceAll('"', '')},no-store,${after}`)
        expect(found.noStore).toBe(true)
        for (const value of Object.values(found)) expect(Number.isNaN(value)).toBe(false)
      }),
    )
  })
})

describe('Cache-Control of a request', () => {
  it('reads max-age, max-stale, min-fresh, stale-if-error and only-if-cached', () => {
    expect(ask({ 'cache-control': 'max-age=5, max-stale=6, min-fresh=7, stale-if-error=8, only-if-cached' })).toEqual({
      maxAge: 5,
      maxStale: 6,
      minFresh: 7,
      staleIfError: 8,
      noCache: false,
      noStore: false,
      onlyIfCached: true,
    })
  })

  it('accepts any staleness with a bare max-stale, and none with an invalid one', () => {
    expect(ask({ 'cache-control': 'max-stale' }).maxStale).toBe(Number.POSITIVE_INFINITY)
    expect(ask({ 'cache-control': 'max-stale=x' }).maxStale).toBeUndefined()
    expect(ask({ 'cache-control': 'max-stale, max-stale=5' }).maxStale).toBeUndefined()
  })

  it('falls back to Pragma: no-cache only if Cache-Control is absent', () => {
    expect(ask({ pragma: 'No-Cache' }).noCache).toBe(true)
    expect(ask({ pragma: 'no-cache', 'cache-control': 'max-age=5' }).noCache).toBe(false)
  })
})

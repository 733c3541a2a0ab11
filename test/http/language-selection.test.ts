import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { languageDigests, preferredLanguage, selectableLanguage } from '../../src/http/language-selection.ts'
import { fieldDigests, variantKey } from '../../src/http/variant-key.ts'
import { get, response } from './messages.ts'

const BASE = 'GET https://example.com/'
const NAMES = ['accept-language', 'cookie']

const preferred = (value: string) => preferredLanguage(get({ 'accept-language': value }))
const selectable = (asked: string, language: string, status = 200) =>
  selectableLanguage(get({ 'accept-language': asked }), response({ 'content-language': language }, { status }))

/** The second key of a request: the one that a lookup tries if the first has no response. */
function languageKey(fields: Record<string, string>, language: string, base = BASE) {
  return variantKey(NAMES, languageDigests(fieldDigests(new Headers(fields), base), base, language))
}

describe('a request prefers a language', () => {
  it.each([
    ['de', 'de'],
    ['fr;q=0.5, de;q=1.0', 'de'],
    ['DE-at, de;q=0.9, *;q=0.1', 'de-at'],
    ['en;q=0.2, zh-Hant;q=0.3', 'zh-hant'],
  ])('with %s: %s', (value, language) => {
    expect(preferred(value)).toBe(language)
  })

  it.each(['', 'en, de', 'en;q=0.5, de;q=0.5', '*', '*, de;q=0.5', 'de;q=0', 'de;q=2', 'de, de;q=0.5', 'd_e'])(
    'but not with %j',
    (value) => {
      expect(preferred(value)).toBeUndefined()
    },
  )
})

describe('a response is selectable by its language', () => {
  it.each([
    ['en, de', 'de'],
    ['en, de', 'EN'],
    ['de, en;q=0.5', 'de'],
  ])('if %s got %s', (asked, language) => {
    expect(selectable(asked, language)).toBe(language.toLowerCase())
  })

  it.each([
    ['fr, de;q=0.5', 'de'],
    ['fr', 'de'],
    ['de-at', 'de'],
    ['de', 'de-at'],
    ['*', 'de'],
    ['', 'de'],
    ['en, de', 'en, de'],
    ['en, de', ''],
  ])('but not if %j got %j: it may be a substitute', (asked, language) => {
    expect(selectable(asked, language)).toBeUndefined()
  })

  it.each([203, 300, 404, 406])('but not with status %i', (status) => {
    expect(selectable('de', 'de', status)).toBeUndefined()
  })
})

describe('the second key', () => {
  const asked = { 'accept-language': 'en, de', cookie: 'a' }

  it('is the same for all requests that prefer one language', () => {
    expect(languageKey(asked, 'de')).toBe(languageKey({ 'accept-language': 'fr;q=0.5, de', cookie: 'a' }, 'de'))
  })

  it('depends on the language, the other fields and the URL', () => {
    expect(languageKey(asked, 'de')).not.toBe(languageKey(asked, 'en'))
    expect(languageKey(asked, 'de')).not.toBe(languageKey({ ...asked, cookie: 'b' }, 'de'))
    expect(languageKey(asked, 'de')).not.toBe(languageKey(asked, 'de', `${BASE}b`))
  })

  it('is never the first key of a request', () => {
    for (const value of ['de', 'content-language', 'content-language\u00a0de']) {
      const first = variantKey(NAMES, fieldDigests(new Headers({ ...asked, 'accept-language': value }), BASE))
      expect(languageKey(asked, 'de')).not.toBe(first)
    }
  })

  it('leaves the digests of the request as they were', () => {
    const digests = fieldDigests(new Headers(asked), BASE)
    const before = [...digests]
    languageDigests(digests, BASE, 'de')
    expect([...digests]).toEqual(before)
  })
})

describe('whatever clients accept', () => {
  it('a request gets no language that it likes less than another', () => {
    const language = fc.constantFrom('en', 'de', 'fr', 'de-at', '*')
    const weight = fc.constantFrom('', ';q=0', ';q=0.5', ';q=0.9', ';q=1.0', ';q=x')
    const list = fc.array(fc.tuple(language, weight), { maxLength: 4 })
    const value = list.map((members) => members.map((member) => member.join('')).join(', '))
    const served = fc.constantFrom('en', 'de', 'fr', 'de-at', 'en, de')
    fc.assert(
      fc.property(value, served, value, (stored, contentLanguage, asked) => {
        const [first, second] = [selectable(stored, contentLanguage), preferred(asked)]
        if (first === undefined || first !== second) return
        expect(contentLanguage).toBe(second)
        const weights = asked.split(', ').map((member) => {
          const [name, q = '1'] = member.split(';q=')
          return [name, Number(q)] as const
        })
        const own = weights.find(([name]) => name === second)?.[1] ?? 0
        expect(own).toBeGreaterThan(0)
        for (const [name, q] of weights) if (name !== second) expect(q).toBeLessThan(own)
      }),
      { numRuns: 5_000 },
    )
  })
})

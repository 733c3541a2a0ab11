import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { keyText } from '../../src/admin/pages/key-name.tsx'
import { nestedScope, ROOT, type Scope, storedKey } from '../../src/values/key.ts'
import { asciiStored, shortName, visibleName } from '../../src/values/visible-name.ts'

describe('a name on a page', () => {
  it.each([
    ['one space', ' ', '\\u{0020}'],
    ['three spaces', '   ', '\\u{0020}\\u{0020}\\u{0020}'],
    ['spaces at its ends', ' a b ', '\\u{0020}a b\\u{0020}'],
    ['spaces in a row', 'a  b', 'a\\u{0020}\\u{0020}b'],
    ['a separator of namespaces', 'a / b', 'a\\u{0020}/\\u{0020}b'],
    ['a tab and a line break', 'a\tb\n', 'a\\u{0009}b\\u{000a}'],
    ['other blanks', '\u00a0\u3000\u2800', '\\u{00a0}\\u{3000}\\u{2800}'],
    ['zero width', 'a\u200bb\ufeff\u2060', 'a\\u{200b}b\\u{feff}\\u{2060}'],
    ['a direction', 'safe\u202egnp.exe', 'safe\\u{202e}gnp.exe'],
    ['a lone combining mark', '\u0301a', '\\u{0301}a'],
    ['a mark after a space', 'a \u0301', 'a \\u{0301}'],
    ['decomposed letters', 'e\u0301', 'e\\u{0301}'],
    ['decomposed Hangul', '\u1100\u1161', '\u1100\\u{1161}'],
    ['a Kelvin sign', '\u212a', '\\u{212a}'],
    ['Cyrillic in a Latin word', 'p\u0430ypal', 'p\\u{0430}ypal'],
    ['Greek in a Latin word', 'n\u03bfde', 'n\\u{03bf}de'],
    ['private use and unassigned', '\ue000\u{10fffe}', '\\u{e000}\\u{10fffe}'],
    ['text that looks escaped', '\\u{0020}', '\\\\u{0020}'],
    ['a joiner between Latin letters', 'a\u200db\u200c', 'a\\u{200d}b\\u{200c}'],
    ['a variation selector', 'a\ufe0f', 'a\\u{fe0f}'],
  ])('shows %s', (_, name, shown) => {
    expect(visibleName(name)).toBe(shown)
  })

  it.each([
    'user:42',
    'a b',
    'https://a.example/?q=é',
    'Пользователь',
    'пользователь Ada',
    'ключ-key',
    '用户',
    '사용자',
    'कुञ्जी',
    'می\u200cخواهم',
    'مفتاح',
    '👩‍👩‍👧‍👦',
    'Ω',
    'naïve',
  ])('leaves %s unchanged', (name) => {
    expect(visibleName(name)).toBe(name)
  })

  it('differs for every two names, and shows the letters of the name', () => {
    const alike = fc.constantFrom(
      ' ',
      '\\',
      'u{0020}',
      '/',
      '|',
      '@',
      'a',
      'а',
      'e\u0301',
      'é',
      '\u200b',
      '\t',
      '{',
      '…',
      '👍',
      '\u202e',
    )
    const name = fc.array(alike, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(visibleName(a) === visibleName(b)).toBe(a === b)
        expect(visibleName(a)).toMatch(/^\S(?:.*\S)?$/u)
      }),
    )
    fc.assert(fc.property(name, (stored) => /^[ -~]+$/.test(asciiStored(stored))))
  })
})

describe('a key on a page', () => {
  const scopes: Scope[] = [
    ROOT,
    nestedScope(ROOT, 'a'),
    nestedScope(ROOT, 'a / b'),
    nestedScope(nestedScope(ROOT, 'a'), 'b'),
    nestedScope(ROOT, 'a', { version: 2 }),
    nestedScope(nestedScope(ROOT, 'a'), '@2'),
    nestedScope(nestedScope(ROOT, 'a'), '\\@2'),
    nestedScope(ROOT, 'a|b'),
  ]

  it('follows its namespaces', () => {
    expect(scopes.map((scope) => keyText(ROOT, storedKey(scope, 'key')))).toEqual([
      'key',
      'a / key',
      'a\\u{0020}/\\u{0020}b / key',
      'a / b / key',
      'a / @2 / key',
      'a / \\@2 / key',
      'a / \\\\@2 / key',
      'a|b / key',
    ])
    expect(keyText(nestedScope(ROOT, 'a'), storedKey(nestedScope(nestedScope(ROOT, 'a'), 'b'), ' '))).toBe(
      'b / \\u{0020}',
    )
  })

  it('differs for every two stored keys, including shortened ones', () => {
    const long = 'k'.repeat(100)
    const keys = [
      'k',
      ' ',
      'a / k',
      'b|k',
      '@2',
      `${long}1${long}`,
      `${long}2${long}`,
      `${long}1${long}!`,
      '💥'.repeat(200),
    ]
    const stored = scopes.flatMap((scope) => keys.map((key) => storedKey(scope, key)))
    const shown = stored.map((key) => keyText(ROOT, key))
    expect(new Set(shown).size).toBe(new Set(stored).size)
    for (const text of shown) {
      expect(text.length).toBeLessThanOrEqual(72)
      expect(text.isWellFormed()).toBe(true)
    }
    expect(shortName(`${long}end`, 40, long)).toMatch(/^k{20,}…k+end #[0-9a-f]{8}$/)
  })
})

import type { Suite } from './suite.ts'

const NAMES = [
  '__proto__',
  'constructor',
  ' ',
  'a b',
  "'",
  '"',
  '\\',
  '|',
  '%',
  '_',
  '*',
  'é',
  '日本',
  '👩‍👩‍👧',
  '\n',
  '\u{10FFFF}',
  'a|b',
  'a\\|b',
  'a:b',
  'A',
  'a',
]

export function keys({ describe, test, expect, rejectsWith }: Suite): void {
  describe('keys', () => {
    test('can be any non-empty strings, and all are distinct', async (cache) => {
      await cache.setMany(NAMES.map((name, i) => [name, i]))
      expect([...(await cache.getMany(NAMES))]).toEqual(NAMES.map((name, i) => [name, i]))
      expect((await cache.list()).entries.map((entry) => entry.key).sort()).toEqual([...NAMES].sort())
      for (const [i, name] of NAMES.entries()) expect(await cache.get(name)).toBe(i)
      expect(await cache.deleteMany(NAMES)).toBe(NAMES.length)
    })

    test('cannot be empty, contain U+0000 or lone surrogates, or be other types than strings', async (cache) => {
      for (const key of ['', 'a\0', '\ud800', 'a\udc00b', 5, null, undefined, {}, ['a']] as string[]) {
        await rejectsWith(cache.get(key), 'INVALID_KEY')
        await rejectsWith(cache.set(key, 1), 'INVALID_KEY')
        await rejectsWith(cache.getMany([key]), 'INVALID_KEY')
        await rejectsWith(cache.setMany([[key, 1]]), 'INVALID_KEY')
        await rejectsWith(cache.deleteMany([key]), 'INVALID_KEY')
        await rejectsWith(cache.increment(key), 'INVALID_KEY')
        await rejectsWith(cache.set('key', 1, { tags: [key] }), 'INVALID_KEY')
      }
    })

    test('cannot be one string where several keys are expected', async (cache) => {
      await rejectsWith(cache.getMany('abc'), 'INVALID_KEY')
      await rejectsWith(cache.deleteMany('abc'), 'INVALID_KEY')
    })

    test('are distinct if they are long and start or end alike', async (cache) => {
      const long = 'x'.repeat(600)
      const names = [
        long,
        `${long}y`,
        `y${long}`,
        'é'.repeat(300),
        '👩'.repeat(200),
        `${'é'.repeat(299)}ee`,
        'z'.repeat(512),
        'z'.repeat(511),
        'z'.repeat(513),
      ]
      await cache.setMany(names.map((name, i) => [name, i]))
      for (const [i, name] of names.entries()) expect(await cache.get(name)).toBe(i)
    })

    test('are listed once each over all pages', async (cache) => {
      await cache.setMany(NAMES.map((name) => [name, 1]))
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await cache.list({ limit: 1, cursor })
        seen.push(...page.entries.map((entry) => entry.key))
        cursor = page.cursor
      } while (cursor !== undefined && seen.length <= NAMES.length)
      expect(seen.sort()).toEqual([...NAMES].sort())
    })

    test('cannot name a long key by its stored form', async (cache) => {
      await cache.set('x'.repeat(600), 'long')
      const [stored] = (await cache.list()).entries
      expect(await cache.get(stored?.key ?? '')).toBe(undefined)
    })
  })
}

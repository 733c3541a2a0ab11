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

export function keys({ describe, test, expect, refused }: Suite): void {
  describe('keys', () => {
    test('takes any non-empty string, and tells all of them apart', async (cache) => {
      await cache.setMany(NAMES.map((name, i) => [name, i]))
      expect([...(await cache.getMany(NAMES))]).toEqual(NAMES.map((name, i) => [name, i]))
      expect((await cache.list()).entries.map((entry) => entry.key).sort()).toEqual([...NAMES].sort())
      for (const [i, name] of NAMES.entries()) expect(await cache.get(name)).toBe(i)
      expect(await cache.deleteMany(NAMES)).toBe(NAMES.length)
    })

    test('refuses empty keys, U+0000, lone surrogates and what is no string', async (cache) => {
      for (const key of ['', 'a\0', '\ud800', 'a\udc00b', 5, null, undefined, {}, ['a']] as string[]) {
        await refused(cache.get(key), 'INVALID_KEY')
        await refused(cache.set(key, 1), 'INVALID_KEY')
        await refused(cache.getMany([key]), 'INVALID_KEY')
        await refused(cache.setMany([[key, 1]]), 'INVALID_KEY')
        await refused(cache.deleteMany([key]), 'INVALID_KEY')
        await refused(cache.increment(key), 'INVALID_KEY')
        await refused(cache.set('key', 1, { tags: [key] }), 'INVALID_KEY')
      }
    })

    test('refuses a string where several keys are expected', async (cache) => {
      await refused(cache.getMany('abc'), 'INVALID_KEY')
      await refused(cache.deleteMany('abc'), 'INVALID_KEY')
    })

    test('keeps long keys apart, whatever they start and end with', async (cache) => {
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

    test('lists every key once, page by page, whatever its first character', async (cache) => {
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

    test('does not let a key be named by what another is stored as', async (cache) => {
      await cache.set('x'.repeat(600), 'long')
      const [stored] = (await cache.list()).entries
      expect(await cache.get(stored?.key ?? '')).toBe(undefined)
    })
  })
}

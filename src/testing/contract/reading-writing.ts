import type { Suite } from './suite.ts'

export function readingAndWriting({ describe, test, expect, rejectsWith, store }: Suite): void {
  describe('getMany and setMany', () => {
    test('return each live entry once, in the requested order', async (cache) => {
      await cache.setMany({ a: 1, b: 2, c: 3 })
      await cache.set('gone', 4, { expiration: 0 })
      const found = await cache.getMany(['c', 'missing', 'a', 'gone', 'c', 'b'])
      expect([...found]).toEqual([
        ['c', 3],
        ['a', 1],
        ['b', 2],
      ])
    })

    test('accept any iterable', async (cache) => {
      await cache.setMany(new Map([['a', 1]]))
      await cache.setMany(
        (function* () {
          yield ['b', 2] as const
        })(),
      )
      expect([...(await cache.getMany(new Set(['a', 'b'])))].length).toBe(2)
      const bad: unknown[] = [
        null,
        5,
        [['a']],
        ['ab'],
        new Date(),
        /a/,
        new WeakMap(),
        new (class {})(),
        new Error('a'),
      ]
      // The caller must await these first.
      bad.push(Promise.resolve({ a: 1 }), (async function* () {})())
      for (const entries of bad) {
        await rejectsWith(cache.setMany(entries as Record<string, unknown>), 'INVALID_KEY')
      }
      await rejectsWith(cache.setMany(Promise.reject(new Error('late')) as never), 'INVALID_KEY')
      await cache.setMany(Object.assign(Object.create(null), { bare: 1 }))
      expect(await cache.get('bare')).toBe(1)
    })

    test('use the last of several entries with one key', async (cache) => {
      await cache.setMany([
        ['key', 1],
        ['key', 2],
      ])
      expect(await cache.get('key')).toBe(2)
    })

    test('do nothing for an empty batch', async (cache) => {
      await cache.setMany({})
      expect((await cache.getMany([])).size).toBe(0)
      expect(await cache.deleteMany([])).toBe(0)
    })

    test('handle thousands of entries', async (cache) => {
      const names = Array.from({ length: 3_000 }, (_, i) => `key ${i}`)
      await cache.setMany(names.map((name, i) => [name, i % 3 === 0 ? i : { i }]))
      const found = await cache.getMany(names)
      expect([...found.keys()]).toEqual(names)
      expect(found.get('key 4')).toEqual({ i: 4 })
      expect(await cache.deleteMany(names)).toBe(3_000)
    })

    test('agree with concurrent gets, which each get their own value', async (cache) => {
      await cache.setMany({ a: 1, b: { two: 2 }, c: null })
      const answers = await Promise.all(['a', 'b', 'missing', 'c', 'a', 'b'].map((key) => cache.get(key)))
      expect(answers).toEqual([1, { two: 2 }, undefined, null, 1, { two: 2 }])
    })
  })

  describe('set', () => {
    test('replaces the whole entry, including its deadline and tags', async (cache) => {
      await cache.set('key', 1, { expiration: 60, tags: ['tag'] })
      await cache.set('key', { two: 2 })
      expect(await cache.expiration('key')).toBe(null)
      await cache.invalidate('tag')
      expect(await cache.get('key')).toEqual({ two: 2 })
    })

    test('refuses unknown options, because a misspelled expiration would store forever', async (cache) => {
      for (const options of [{ ttl: 60 }, { expires: 60 }, { tag: 'x' }] as object[]) {
        await rejectsWith(cache.set('key', 1, options), 'INVALID_OPTION')
        await rejectsWith(cache.setMany({ key: 1 }, options), 'INVALID_OPTION')
        await rejectsWith(cache.add('key', 1, options), 'INVALID_OPTION')
        await rejectsWith(cache.increment('key', 1, options), 'INVALID_OPTION')
        await rejectsWith(cache.get('key', options), 'INVALID_OPTION')
        await rejectsWith(cache.limit('key', { limit: 1, period: 60, ...options }), 'INVALID_OPTION')
      }
      expect(await cache.count()).toBe(0)
    })

    test('resets createdAt on every write', async (cache) => {
      await cache.set('key', 1)
      await store.advance(60_000)
      await cache.touch('key', 60)
      const [touched] = (await cache.list()).entries
      expect(Number(touched?.updatedAt) - Number(touched?.createdAt)).toBeGreaterThan(59_000)
      await cache.set('key', 2)
      const [written] = (await cache.list()).entries
      expect(Number(written?.updatedAt)).toBe(Number(written?.createdAt))
      expect(Number(written?.createdAt)).toBeGreaterThan(Number(touched?.createdAt) + 59_000)
    })

    test('refuses options that are not an object', async (cache) => {
      for (const options of [60, '1m', null, [], true] as unknown as object[]) {
        await rejectsWith(cache.set('key', 1, options), 'INVALID_OPTION')
      }
    })
  })

  describe('add', () => {
    test('stores a value only if the key is absent', async (cache) => {
      expect(await cache.add('key', 1)).toBe(true)
      expect(await cache.add('key', 2)).toBe(false)
      expect(await cache.get('key')).toBe(1)
      await cache.set('null', null)
      expect(await cache.add('null', 1)).toBe(false)
    })

    test('replaces an expired entry, including its tags', async (cache) => {
      await cache.set('key', 'older', { expiration: 60, tags: ['tag'] })
      await store.advance(60_000)
      expect(await cache.add('key', 'newer')).toBe(true)
      await cache.invalidate('tag')
      expect(await cache.get('key')).toBe('newer')
    })

    test('stores exactly one of many concurrent values', async (cache) => {
      const results = await Promise.all(Array.from({ length: 20 }, (_, i) => cache.add('key', i)))
      expect(results.filter(Boolean).length).toBe(1)
      expect(await cache.get('key')).toBe(results.indexOf(true))
    })
  })

  describe('touch', () => {
    test('changes only the deadline of a live entry', async (cache) => {
      await cache.set('key', { value: 1 }, { expiration: 60 })
      expect(await cache.touch('key', '1h')).toBe(true)
      await store.advance(60_000)
      expect(await cache.get('key')).toEqual({ value: 1 })
      expect(await cache.touch('key', null)).toBe(true)
      expect(await cache.expiration('key')).toBe(null)
      expect(await cache.touch('key', 60)).toBe(true)
      await store.advance(60_000)
      expect(await cache.has('key')).toBe(false)
    })

    test('does not revive an expired entry', async (cache) => {
      await cache.set('key', 1, { expiration: 60 })
      await store.advance(60_000)
      expect(await cache.touch('key', 60)).toBe(false)
      expect(await cache.touch('missing', 60)).toBe(false)
      expect(await cache.get('key')).toBe(undefined)
    })
  })

  describe('pull and delete', () => {
    test('pull returns the value and deletes it', async (cache) => {
      await cache.setMany({ key: [1], null: null })
      expect(await cache.pull('key')).toEqual([1])
      expect(await cache.pull('key')).toBe(undefined)
      expect(await cache.pull('null')).toBe(null)
    })

    test('gives the value to exactly one of many concurrent pulls', async (cache) => {
      await cache.set('key', 'prize')
      const results = await Promise.all(Array.from({ length: 20 }, () => cache.pull('key')))
      expect(results.filter((value) => value === 'prize').length).toBe(1)
    })

    test('delete returns whether it removed a live entry', async (cache) => {
      await cache.setMany({ a: 1, b: 2 })
      await cache.set('expired', 1, { expiration: 0 })
      expect(await cache.delete('a')).toBe(true)
      expect(await cache.delete('a')).toBe(false)
      expect(await cache.delete('expired')).toBe(false)
      expect(await cache.deleteMany(['b', 'b', 'missing', 'expired'])).toBe(1)
      expect(await cache.pull('expired')).toBe(undefined)
    })
  })

  describe('entry', () => {
    test('remembers its row until reload, set or delete', async (cache) => {
      const handle = cache.entry<{ n: number }>('key')
      expect(await handle.exists()).toBe(false)
      await cache.set('key', { n: 1 })
      expect(await handle.exists()).toBe(false)
      handle.reload()
      expect(await handle.value()).toEqual({ n: 1 })
      expect(await handle.set({ n: 2 }, { expiration: 60 })).toEqual({ n: 2 })
      expect(await handle.value()).toEqual({ n: 2 })
      expect(await handle.delete()).toBe(true)
      expect(await handle.value()).toBe(undefined)
      expect(await handle.delete()).toBe(false)
    })

    test('gives every caller a separate copy', async (cache) => {
      await cache.set('key', { list: [1] })
      const handle = cache.entry<{ list: number[] }>('key')
      const first = await handle.value()
      first?.list.push(2)
      expect(await handle.value()).toEqual({ list: [1] })
    })
  })
}
